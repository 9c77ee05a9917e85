import type { ConfigSection } from './config-section.ts';

/** What an engine says of its configuration: which types and URLs are its own, and how its connection is checked. */
export interface EngineConfig<Type extends string = string, Connection extends object = object> {
  /** The value of `type` that picks the engine. */
  readonly type: Type;
  /** URL schemes that pick the engine, in lower case, without the colon. */
  readonly schemes: readonly string[];
  /**
   * Turns a URL into a config object, such as `{ connection: { host, port } }`, which is then checked as if
   * it had been written by hand. Its strings are taken for text: a `port` of `'5432'` will do. `type` is added
   * by the caller. Query parameters need no care: they are applied afterwards, by their dotted path.
   *
   * @param url without its query; it holds no #, no control character and no space at its ends
   * @param parameters those of the query that the engine understands itself are taken out of here
   * @throws ValidationError where the URL cannot be read; the message must not repeat the URL
   */
  readonly fromUrl: (url: string, parameters: URLSearchParams) => Readonly<Record<string, unknown>>;
  /**
   * Checks the `connection` part. Faults go into the section, not into an exception; a field that was not
   * read is reported by the caller. The result is frozen by the caller.
   */
  readonly parseConnection: (section: ConfigSection) => Connection;
  /** Says where a database is, for spans and figures. Without it they name the engine's type alone. */
  placeOf?(connection: Connection): DatabasePlace;
}

/** Where a database is, in the words of OpenTelemetry. Nothing of it is secret. */
export interface DatabasePlace {
  /** What kind of database it is (`db.system.name`), such as `postgresql`. */
  readonly system: string;
  /** Its name (`db.namespace`). */
  readonly namespace?: string | undefined;
  /** The host, or the folder of a Unix socket (`server.address`). */
  readonly address?: string | undefined;
  /** The port (`server.port`). */
  readonly port?: number | undefined;
}
