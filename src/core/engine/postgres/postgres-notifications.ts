import { decorrelatedJitter } from '../../foundation/backoff.ts';
import type { Clock } from '../../foundation/clock.ts';
import { ConnectionError, PoolClosedError } from '../../foundation/errors/connection-errors.ts';
import { ValidationError } from '../../foundation/errors/validation-error.ts';
import type { Logger } from '../../foundation/logger.ts';
import type { NotificationListener, Subscription } from '../notifications.ts';
import type { PostgresPool } from './postgres-pool.ts';
import type { PostgresSession } from './postgres-session.ts';

/** Folded by nobody and quoted by nobody. 63 bytes is the longest identifier of Postgres. */
const channelName = /^[a-z_][a-z0-9_]{0,62}$/;

/** Between two attempts to connect, in ms: those who were cut off together do not come back together. */
const pauses = { base: 50, cap: 5_000 };
/** After so long, in ms, the server is asked whether it is still there: a silent cut looks like silence. */
const pingEvery = 30_000;
/** How long it may take to answer, in ms. */
const answerLimit = 5_000;

/** Where the sessions come from. */
export type NotificationSource = Pick<PostgresPool, 'withSessionBeside' | 'acquireTimeout'>;

/**
 * Listens on one connection for all channels, beside the pool: a listening session must not be lent, and a
 * borrowed one is made clean. It connects with the first listener, comes back when it is lost, and ends with the
 * last one. It holds no process, and nobody has to wait for it.
 */
export class PostgresNotifications {
  readonly #source: NotificationSource;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #channels = new Map<string, Set<NotificationListener>>();
  #nextPause = decorrelatedJitter(pauses);
  #session: PostgresSession | undefined;
  #running: Promise<void> | undefined;
  #endPause: (() => void) | undefined;
  #isClosed = false;

  constructor(source: NotificationSource, { clock, logger }: { clock: Clock; logger: Logger }) {
    this.#source = source;
    this.#clock = clock;
    this.#logger = logger;
  }

  /**
   * @throws ValidationError where the channel is no identifier in lower case
   * @throws PoolClosedError after `close`
   */
  listen(channel: string, listener: NotificationListener): Subscription {
    if (!channelName.test(channel)) {
      throw new ValidationError([{ path: ['channel'], message: 'must be an identifier in lower case' }]);
    }
    if (this.#isClosed) throw new PoolClosedError('A channel was to be listened to after close() had begun.');
    // An object of its own, since one listener may listen twice.
    const own: NotificationListener = {
      onNotification: (payload) => this.#guard(() => listener.onNotification(payload)),
      onGap: () => this.#guard(() => listener.onGap()),
    };
    const listeners = this.#channels.get(channel) ?? new Set();
    this.#channels.set(channel, listeners.add(own));
    if (this.#session !== undefined) void this.#listenTo(this.#session, [channel]);
    this.#running ??= this.#run();
    return { close: () => this.#forget(channel, own), isAlive: () => this.#ask() };
  }

  /** Resolves when the connection is closed. Never rejects. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#channels.clear();
    this.#stopIfUnused();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#channels.size > 0) {
      try {
        await this.#source.withSessionBeside(this.#source.acquireTimeout, (session) => this.#stayOn(session));
      } catch (error) {
        this.#logger.warn({ error }, 'notifications of Postgres cannot be listened to; trying again');
      }
      if (this.#channels.size > 0) await this.#pause();
    }
    this.#running = undefined;
  }

  /** Listens until the session is lost or nobody listens any more. */
  async #stayOn(session: PostgresSession): Promise<void> {
    (session.client as unknown as { unref(): void }).unref();
    session.client.on('notification', ({ channel, payload = '' }) => {
      for (const listener of this.#channels.get(channel) ?? []) listener.onNotification(payload);
    });
    this.#session = session;
    try {
      await this.#listenTo(session, [...this.#channels.keys()]);
      this.#nextPause = decorrelatedJitter(pauses);
      while (!session.isLost && this.#channels.size > 0) {
        await this.#silence(session);
        if (!session.isLost) await session.run({ text: '', limit: answerLimit });
      }
    } finally {
      this.#session = undefined;
    }
  }

  async #listenTo(session: PostgresSession, channels: readonly string[]): Promise<void> {
    try {
      await session.run({
        text: channels.map((channel) => `listen ${channel}`).join(';'),
        limit: answerLimit,
      });
      for (const channel of channels)
        for (const listener of this.#channels.get(channel) ?? []) listener.onGap();
    } catch (error) {
      session.destroy(new ConnectionError('The connection could not listen.', { cause: error }));
    }
  }

  async #ask(): Promise<boolean> {
    const session = this.#session;
    if (session === undefined || session.isLost) return false;
    try {
      await session.run({ text: '', limit: answerLimit });
      return true;
    } catch {
      return false;
    }
  }

  async #silence(session: PostgresSession): Promise<void> {
    const ping = Promise.withResolvers<void>();
    const cancel = this.#clock.schedule(pingEvery, ping.resolve, { keepsAlive: false });
    await Promise.race([session.ended, ping.promise]);
    cancel();
  }

  async #pause(): Promise<void> {
    const pause = Promise.withResolvers<void>();
    const cancel = this.#clock.schedule(this.#nextPause(), pause.resolve, { keepsAlive: false });
    this.#endPause = pause.resolve;
    await pause.promise;
    cancel();
  }

  #forget(channel: string, listener: NotificationListener): void {
    const listeners = this.#channels.get(channel);
    if (listeners?.delete(listener) !== true || listeners.size > 0) return;
    this.#channels.delete(channel);
    this.#stopIfUnused();
  }

  #stopIfUnused(): void {
    if (this.#channels.size > 0) return;
    this.#session?.destroy(new Error('nobody listens any more'));
    this.#endPause?.();
  }

  #guard(hear: () => void): void {
    try {
      hear();
    } catch (error) {
      this.#logger.error({ error }, 'a listener of notifications has thrown');
    }
  }
}
