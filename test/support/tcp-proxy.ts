/** A TCP proxy in front of a database, for faults of the network that no server makes by itself. */
import { connect, createServer, type Server, type Socket } from 'node:net';

export class TcpProxy {
  readonly #server: Server;
  readonly #pairs = new Set<readonly [client: Socket, upstream: Socket]>();
  #silent = false;
  #swallowReplyTo: string | undefined;

  private constructor(target: URL) {
    this.#server = createServer((client) => {
      this.#join(client, connect(Number(target.port || '5432'), target.hostname));
    });
  }

  /** Starts one on a free port of 127.0.0.1. */
  static async listen(target: string): Promise<TcpProxy> {
    const proxy = new TcpProxy(new URL(target));
    await new Promise<void>((resolve) => {
      proxy.#server.listen(0, '127.0.0.1', resolve);
    });
    return proxy;
  }

  /** The same database, seen through the proxy. */
  urlOf(target: string): string {
    const url = new URL(target);
    const address = this.#server.address();
    url.hostname = '127.0.0.1';
    url.port = String(typeof address === 'object' ? address?.port : '');
    return url.href;
  }

  /** From now on nothing passes in either direction, and nobody is told: a black hole. */
  fallSilent(): void {
    this.#silent = true;
    for (const [client, upstream] of this.#pairs) {
      client.pause();
      upstream.pause();
    }
  }

  /** Undoes `fallSilent`: what was held back arrives now. */
  speakAgain(): void {
    this.#silent = false;
    for (const [client, upstream] of this.#pairs) {
      client.resume();
      upstream.resume();
    }
  }

  /** Lets the next message that holds `text` through to the server, and cuts the line in place of its reply. */
  cutReplyTo(text: string): void {
    this.#swallowReplyTo = text;
  }

  async close(): Promise<void> {
    for (const sockets of this.#pairs) for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }

  #join(client: Socket, upstream: Socket): void {
    const pair = [client, upstream] as const;
    this.#pairs.add(pair);
    let swallowing = false;
    client.on('data', (data) => {
      if (this.#swallowReplyTo !== undefined && data.includes(this.#swallowReplyTo)) swallowing = true;
      upstream.write(data);
    });
    upstream.on('data', (data) => {
      if (swallowing) client.destroy();
      else client.write(data);
    });
    for (const [here, there] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      here.on('error', () => there.destroy());
      here.on('close', () => {
        if (!this.#silent) there.destroy();
        this.#pairs.delete(pair);
      });
    }
    if (this.#silent) {
      client.pause();
      upstream.pause();
    }
  }
}
