/** A Postgres server that is not up yet, on a port of its own: closed, starting, full, and at last there. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** What it says to whoever comes: a SQLSTATE with which it shuts the door, or nothing, and lets them in. */
export type Greeting = '57P03' | '53300' | '28P01' | 'hang up' | 'welcome';

export class LateServer {
  /** How many have knocked while it was open. */
  knocks = 0;
  greeting: Greeting = 'welcome';
  readonly #target: URL;
  readonly #port: number;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;

  private constructor(target: URL, port: number) {
    this.#target = target;
    this.#port = port;
  }

  /** Takes a free port for it, and leaves it closed. */
  static async reserve(target: string): Promise<LateServer> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    return new LateServer(new URL(target), port);
  }

  /** The database of the target, seen through this door. */
  get url(): string {
    const url = new URL(this.#target);
    url.hostname = '127.0.0.1';
    url.port = String(this.#port);
    return url.href;
  }

  async open(greeting: Greeting = 'welcome'): Promise<void> {
    this.greeting = greeting;
    this.#server = createServer((client) => this.#greet(client)).listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  /** Cuts every line and listens no more. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(server, 'close');
  }

  #greet(client: Socket): void {
    this.knocks += 1;
    this.#keep(client);
    if (this.greeting === 'hang up') {
      client.destroy();
    } else if (this.greeting === 'welcome') {
      const upstream = connect(Number(this.#target.port || '5432'), this.#target.hostname);
      this.#keep(upstream);
      client.pipe(upstream).pipe(client);
      client.once('close', () => upstream.destroy());
      upstream.once('close', () => client.destroy());
    } else {
      const refusal = refuseWith(this.greeting);
      client.once('data', () => client.end(refusal));
    }
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => this.#sockets.delete(socket));
  }
}

/** See PostgreSQL documentation, "55.7. Message Formats", ErrorResponse. */
function refuseWith(code: string): Buffer {
  const fields = `SFATAL\0VFATAL\0C${code}\0Mnot now\0\0`;
  const message = Buffer.alloc(5 + fields.length, `E\0\0\0\0${fields}`);
  message.writeInt32BE(4 + fields.length, 1);
  return message;
}
