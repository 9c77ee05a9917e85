/** The databases of the tests on one server: the next one is made while the test before runs, and old ones go when there is time. */
import { randomBytes } from 'node:crypto';
import pg from 'pg';

export class PostgresDatabases {
  readonly #adminUrl: string;
  readonly #createOptions: string;
  #next: Promise<string> | undefined;
  readonly #creations: (() => Promise<void>)[] = [];
  readonly #removals: (() => Promise<void>)[] = [];
  #working: Promise<void> | undefined;
  #admin: Promise<pg.Client> | undefined;
  #failure: Error | undefined;

  /**
   * @param adminUrl with the right to create databases
   * @param createOptions what stands behind the name in CREATE DATABASE
   */
  constructor(adminUrl: string, createOptions: string) {
    this.#adminUrl = adminUrl;
    this.#createOptions = createOptions;
  }

  /** A new empty database. @returns its URL */
  take(): Promise<string> {
    const taken = this.#next ?? this.#create();
    this.#next = this.#create();
    // Whoever takes it hears of it.
    this.#next.catch(() => undefined);
    return taken;
  }

  /** Removes a database as soon as nobody waits for a new one, whoever is still connected to it. */
  remove(url: string): void {
    const name = new URL(url).pathname.slice(1);
    this.#removals.push(() =>
      this.#ask(`drop database if exists ${name} with (force)`).catch((cause: unknown) => {
        this.#failure ??= new Error('A database of the tests could not be removed.', { cause });
      }),
    );
    this.#work();
  }

  /** Removes what is left. @throws why one could not be removed */
  async close(): Promise<void> {
    const spare = await this.#next?.catch(() => undefined);
    if (spare !== undefined) this.remove(spare);
    await this.#working;
    await (await this.#admin)?.end();
    if (this.#failure !== undefined) throw this.#failure;
  }

  #create(): Promise<string> {
    const name = `liminal_test_${process.pid}_${randomBytes(6).toString('hex')}`;
    const url = new URL(this.#adminUrl);
    url.pathname = `/${name}`;
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    this.#creations.push(() =>
      this.#ask(`create database ${name} ${this.#createOptions}`).then(() => resolve(url.href), reject),
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
