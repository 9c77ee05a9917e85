import { ValidationError } from '../../foundation/errors/validation-error.ts';

/** A connection to a Redis or Valkey server. It is never mended: where it breaks, another one is made. */
export interface RedisConnection {
  /** Settles when it stands; rejects where it cannot be made. */
  readonly ready: Promise<void>;
  /**
   * Sends a command.
   *
   * @returns the reply: strings, numbers, null, and lists of them
   * @throws what the server has refused, with the reply as its message; or that the connection has ended
   */
  call(command: string, args: readonly string[]): Promise<unknown>;
  /** Hears a channel from now on. A connection that hears channels is sent no other commands. */
  subscribe(channel: string, listener: (message: string) => void): Promise<void>;
  /** Ends it at once; what is under way fails. Harmless when it has ended. */
  close(): void;
}

/** Makes connections to one server. `redisClient` makes it of the clients that are in use. */
export interface RedisClient {
  /**
   * Begins to connect. It must not reconnect by itself, and keep no commands for later.
   *
   * @param onEnd called when it has broken
   */
  connect(onEnd: () => void): RedisConnection;
}

/** What ioredis and iovalkey have in common, as far as it is used. */
interface CallingClient {
  duplicate(options: object): CallingClient;
  connect(): Promise<unknown>;
  call(command: string, ...args: string[]): Promise<unknown>;
  subscribe(channel: string): Promise<unknown>;
  on(event: string, listener: (...args: never[]) => void): unknown;
  disconnect(): void;
}

/** What is used of node-redis. */
interface SendingClient {
  /** That of one server has it; a cluster, a pool and a sentinel have not. */
  readonly isPubSubActive: boolean;
  readonly options?: { readonly socket?: object } | undefined;
  duplicate(options: object): SendingClient;
  connect(): Promise<unknown>;
  sendCommand(args: readonly string[]): Promise<unknown>;
  subscribe(channel: string, listener: (message: string) => void): Promise<unknown>;
  on(event: string, listener: (...args: never[]) => void): unknown;
  destroy(): void;
}

/**
 * Takes the client of an application: one of `ioredis` or `iovalkey` (from 5 and 0.3), or of `redis` (node-redis, from 5). It is the
 * pattern of the connections alone: address, TLS, user and database are taken from it, nothing is sent over it, and it need not
 * be connected. A client of a cluster, a pool or a sentinel of node-redis does not fit; an ioredis that asks sentinels does.
 *
 * @param client as its library has made it, or what makes connections in a way of its own, which is given back
 * @returns what makes connections
 * @throws ValidationError where it is none of these
 * @example
 * const store = new RedisStore(redisClient(new Redis('rediss://cache.internal')));
 */
export function redisClient(client: object): RedisClient {
  const given = client as Partial<CallingClient & SendingClient & RedisClient> & {
    readonly isCluster?: boolean;
  };
  const isFunction = (name: keyof typeof given) => typeof given?.[name] === 'function';
  if (isFunction('duplicate') && isFunction('call') && isFunction('disconnect') && given.isCluster !== true) {
    return { connect: (onEnd) => connectCalling(given as CallingClient, onEnd) };
  }
  if (isFunction('duplicate') && isFunction('sendCommand') && typeof given.isPubSubActive === 'boolean') {
    return { connect: (onEnd) => connectSending(given as SendingClient, onEnd) };
  }
  // A client of a library that is none of these can connect as well.
  if (isFunction('connect') && !isFunction('duplicate') && !isFunction('sendCommand'))
    return given as RedisClient;
  throw noClient();
}

function noClient(): ValidationError {
  return new ValidationError([
    {
      path: ['client'],
      message: 'must be a client of ioredis, iovalkey or redis for one server, or a RedisClient',
    },
  ]);
}

function connectCalling(pattern: CallingClient, onEnd: () => void): RedisConnection {
  const own = pattern.duplicate({
    lazyConnect: true,
    retryStrategy: () => null,
    reconnectOnError: null,
    enableOfflineQueue: false,
    enableReadyCheck: false,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    keyPrefix: '',
  });
  // Without a listener an error would end the process; the end of the connection says it as well.
  own.on('error', () => {});
  own.on('end', onEnd);
  return {
    ready: own.connect().then(() => undefined),
    call: (command, args) => own.call(command, ...args),
    async subscribe(channel, listener) {
      own.on('message', (heard: string, message: string) => {
        if (heard === channel) listener(message);
      });
      await own.subscribe(channel);
    },
    close: () => own.disconnect(),
  };
}

function connectSending(pattern: SendingClient, onEnd: () => void): RedisConnection {
  const own = pattern.duplicate({
    socket: { ...pattern.options?.socket, reconnectStrategy: false },
    disableOfflineQueue: true,
    commandOptions: {},
    // It would go over to another server by itself, and nobody would hear of what was missed meanwhile.
    maintNotifications: 'disabled',
  });
  own.on('error', onEnd);
  return {
    ready: own.connect().then(() => undefined),
    call: (command, args) => own.sendCommand([command, ...args]),
    async subscribe(channel, listener) {
      await own.subscribe(channel, listener);
    },
    close() {
      try {
        own.destroy();
      } catch {
        // One that has ended by itself says so.
      }
    },
  };
}
