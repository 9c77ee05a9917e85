/** The databases of the tests on one server: the next one is made while the test before runs, and old ones go when there is time. */
import { randomBytes } from 'node:crypto';
import pg from 'pg';

export class PostgresDatabases {
  readonly #adminUrl: string;
  readonly #createOptions: string;
  readonly #copyOptions: string;
  /** The next empty database, and the next copy of each original, by what it is made of. */
  readonly #next = new Map<string, Promise<string>>();
  readonly #originals = new Map<string, Promise<string>>();
  readonly #creations: (() => Promise<void>)[] = [];
  readonly #removals: (() => Promise<void>)[] = [];
  #working: Promise<void> | undefined;
  #admin: Promise<pg.Client> | undefined;
  #failure: Error | undefined;

  /**
   * @param adminUrl with the right to create databases
   * @param createOptions what stands behind the name in CREATE DATABASE
   * @param copyOptions what stands there behind the name of an original
   */
  constructor(adminUrl: string, createOptions: string, copyOptions: string) {
    this.#adminUrl = adminUrl;
    this.#createOptions = createOptions;
    this.#copyOptions = copyOptions;
  }

  /** A new empty database. @returns its URL */
  take(): Promise<string> {
    return this.#takeNext(this.#createOptions);
  }

  /**
   * A copy of an original.
   *
   * @param name of the original
   * @param prepare fills the original at the first call for its name, and leaves no connection open
   * @returns its URL
   */
  async copy(name: string, prepare: (url: string) => Promise<void>): Promise<string> {
    let original = this.#originals.get(name);
    if (original === undefined) {
      original = this.take().then(async (url) => {
        await prepare(url);
        return url;
      });
      this.#originals.set(name, original);
    }
    return this.#takeNext(`template ${nameIn(await original)} ${this.#copyOptions}`);
  }

  /** Removes a database as soon as nobody waits for a new one, whoever is still connected to it. */
  remove(url: string): void {
    const name = nameIn(url);
    this.#removals.push(() =>
      this.#ask(`drop database if exists ${name} with (force)`).catch((cause: unknown) => {
        this.#failure ??= new Error('A database of the tests could not be removed.', { cause });
      }),
    );
    this.#work();
  }

  /** Removes what is left. @throws why one could not be removed */
  async close(): Promise<void> {
    const left = await Promise.allSettled([...this.#next.values(), ...this.#originals.values()]);
    for (const each of left) if (each.status === 'fulfilled') this.remove(each.value);
    await this.#working;
    await (await this.#admin)?.end();
    if (this.#failure !== undefined) throw this.#failure;
  }

  #takeNext(options: string): Promise<string> {
    const taken = this.#next.get(options) ?? this.#create(options);
    const next = this.#create(options);
    this.#next.set(options, next);
    // Whoever takes it hears of it.
    next.catch(() => undefined);
    return taken;
  }

  #create(options: string): Promise<string> {
    const name = `liminal_test_${process.pid}_${randomBytes(6).toString('hex')}`;
    const url = new URL(this.#adminUrl);
    url.pathname = `/${name}`;
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    this.#creations.push(() =>
      this.#ask(`create database ${name} ${options}`).then(() => resolve(url.href), reject),
    );
    this.#work();
    return promise;
  }

  #work(): void {
    this.#working ??= this.#workThrough().finally(() => {
      this.#working = undefined;
    });
  }

  async #workThrough(): Promise<void> {
    for (;;) {
      const job = this.#creations.shift() ?? this.#removals.shift();
      if (job === undefined) return;
      await job();
    }
  }

  async #ask(sql: string): Promise<void> {
    this.#admin ??= this.#connect();
    await (await this.#admin).query(sql);
  }

  async #connect(): Promise<pg.Client> {
    const admin = new pg.Client({ connectionString: this.#adminUrl });
    admin.on('error', () => {
      this.#admin = undefined;
    });
    await admin.connect();
    return admin;
  }
}

function nameIn(url: string): string {
  return new URL(url).pathname.slice(1);
}
