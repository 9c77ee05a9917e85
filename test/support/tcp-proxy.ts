/** A TCP proxy in front of a database, for faults of the network that no server makes by itself. */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import type { Toxic, ToxicLine, ToxicMaker } from './toxics.ts';

/** Where bytes go: what the client says, or what the server says. */
export type Direction = 'toServer' | 'toClient';

const directions: readonly Direction[] = ['toServer', 'toClient'];

export class TcpProxy {
  readonly #server: Server;
  readonly #lines = new Set<ProxiedLine>();
  /** Clients whose line does not stand yet. */
  readonly #delayed = new Set<Socket>();
  readonly #silent = new Set<Direction>();
  readonly #toxics = new Map<Direction, ToxicMaker>();
  #connectDelay = 0;
  #swallowReplyTo: string | undefined;

  private constructor(target: URL) {
    this.#server = createServer((client) => void this.#accept(client, target));
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

  /** How many lines stand at the moment. */
  get lines(): number {
    return this.#lines.size;
  }

  /** By which ports of this machine the server knows the lines that stand; what was cut is not among them at once. */
  get serverPorts(): number[] {
    return [...this.#lines].flatMap((line) => line.serverPort ?? []);
  }

  /** From now on nothing passes in either direction, or in one, and nobody is told: a black hole. */
  fallSilent(direction?: Direction): void {
    for (const one of direction === undefined ? directions : [direction]) this.#silent.add(one);
    for (const line of this.#lines) line.silence(this.#silent);
  }

  /** Undoes `fallSilent`: what was held back arrives now. */
  speakAgain(): void {
    this.#silent.clear();
    for (const line of this.#lines) line.silence(this.#silent);
  }

  /** The lines that stand fall silent for ever, as where a router has forgotten them; new ones are sound. */
  forgetLines(): void {
    for (const line of this.#lines) line.forget();
  }

  /** From now on a toxic does its work on the lines that stand and on new ones. */
  infect(direction: Direction, maker: ToxicMaker): void {
    this.#toxics.set(direction, maker);
    for (const line of this.#lines) line.infect(direction, maker());
  }

  /** From now on it takes so many ms until a new line stands. */
  delayConnecting(duration: number): void {
    this.#connectDelay = duration;
  }

  /** Takes every fault away; what was held back or late arrives now. Lines that are cut stay cut. */
  heal(): void {
    this.#toxics.clear();
    this.#connectDelay = 0;
    this.#swallowReplyTo = undefined;
    for (const line of this.#lines) {
      for (const direction of directions) line.infect(direction, undefined);
      line.heal();
    }
    this.speakAgain();
  }

  /** Lets the next message that holds `text` through to the server, and cuts the line in place of its reply. */
  cutReplyTo(text: string): void {
    this.#swallowReplyTo = text;
  }

  /** Closes every line that stands, as where the machine in the midst is restarted. */
  cutLines(): void {
    for (const line of this.#lines) line.destroy();
  }

  async close(): Promise<void> {
    this.cutLines();
    for (const client of this.#delayed) client.destroy();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }

  async #accept(client: Socket, target: URL): Promise<void> {
    client.setNoDelay(true);
    client.on('error', () => undefined);
    if (this.#connectDelay > 0) {
      client.pause();
      this.#delayed.add(client);
      // It keeps nothing alive: a line that is late for longer than its test keeps the process from its end.
      await wait(this.#connectDelay, undefined, { ref: false });
      this.#delayed.delete(client);
      if (client.destroyed) return;
    }
    const upstream = connect(Number(target.port || '5432'), target.hostname);
    const line = new ProxiedLine(client, upstream, () => this.#swallowReplyTo);
    this.#lines.add(line);
    line.onEnd = () => this.#lines.delete(line);
    for (const [direction, maker] of this.#toxics) line.infect(direction, maker());
    line.silence(this.#silent);
  }
}

/** A client, and the connection to the server that was opened for it. */
class ProxiedLine {
  readonly #client: Socket;
  readonly #upstream: Socket;
  readonly #pumps: Readonly<Record<Direction, Pump>>;
  #isForgotten = false;
  #isSilent = false;
  onEnd: () => void = () => undefined;

  constructor(client: Socket, upstream: Socket, swallowReplyTo: () => string | undefined) {
    this.#client = client;
    this.#upstream = upstream;
    upstream.setNoDelay(true);
    let swallowing = false;
    const toServer = new Pump(client, upstream, (data) => {
      const text = swallowReplyTo();
      if (text !== undefined && data.includes(text)) swallowing = true;
      return true;
    });
    const toClient = new Pump(upstream, client, () => {
      if (swallowing) client.destroy();
      return !swallowing;
    });
    this.#pumps = { toServer, toClient };
    for (const [here, there] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      here.on('error', () => there.destroy());
      here.on('close', () => {
        // In a black hole nobody hears that the other one is gone, until it is healed.
        if (!this.#isSilent) there.destroy();
        if (there.destroyed) this.onEnd();
      });
    }
  }

  get serverPort(): number | undefined {
    return this.#client.destroyed || this.#upstream.destroyed ? undefined : this.#upstream.localPort;
  }

  infect(direction: Direction, toxic: Toxic | undefined): void {
    this.#pumps[direction].infect(toxic);
  }

  silence(silent: ReadonlySet<Direction>): void {
    if (this.#isForgotten) return;
    this.#isSilent = silent.size > 0;
    for (const direction of directions) this.#pumps[direction].silence(silent.has(direction));
    if (!this.#isSilent) this.#spreadTheWord();
  }

  forget(): void {
    this.silence(new Set(directions));
    this.#isForgotten = true;
  }

  /** Lets go of the sides that have nobody left on the other side, as keep-alive does in its time. */
  heal(): void {
    if (this.#isForgotten) this.destroy();
    this.#spreadTheWord();
  }

  #spreadTheWord(): void {
    if (this.#client.destroyed) this.#upstream.destroy();
    if (this.#upstream.destroyed) this.#client.destroy();
  }

  destroy(): void {
    this.#client.destroy();
    this.#upstream.destroy();
  }
}

/** Carries the bytes of one direction, in their order. */
class Pump {
  readonly #from: Socket;
  readonly #line: ToxicLine;
  #toxic: Toxic | undefined;
  readonly #waiting = new Set<() => void>();
  #work: Promise<void> | undefined;

  /** @param admits asked for each piece of data, whether it is to go on at all */
  constructor(from: Socket, to: Socket, admits: (data: Buffer) => boolean) {
    this.#from = from;
    this.#line = {
      pass: (data) => void (to.writable && to.write(data)),
      endHere: () => void to.end(),
      cut() {
        from.destroy();
        to.destroy();
      },
      reset() {
        from.resetAndDestroy();
        to.resetAndDestroy();
      },
      wait: (duration) => this.#wait(duration),
    };
    from.on('data', (data: Buffer) => {
      if (admits(data)) this.#carry(data);
    });
  }

  infect(toxic: Toxic | undefined): void {
    this.#toxic = toxic;
    if (toxic === undefined) for (const wake of this.#waiting) wake();
  }

  silence(isSilent: boolean): void {
    if (isSilent) this.#from.pause();
    else this.#from.resume();
  }

  #carry(data: Buffer): void {
    if (this.#work === undefined && this.#toxic === undefined) {
      this.#line.pass(data);
      return;
    }
    const work = (this.#work ?? Promise.resolve()).then(() => this.#treat(data));
    this.#work = work;
    void work.then(() => {
      if (this.#work === work) this.#work = undefined;
    });
  }

  #treat(data: Buffer): void | Promise<void> {
    if (this.#toxic === undefined) this.#line.pass(data);
    else return this.#toxic(data, this.#line);
  }

  #wait(duration: number): Promise<void> {
    if (this.#toxic === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, Math.max(0, duration));
      this.#waiting.add(wake);
    });
  }
}
