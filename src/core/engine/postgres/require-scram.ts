import type { Client, Connection } from 'pg';
import { ConnectionError } from '../../foundation/errors/connection-errors.ts';

/** What pg's types leave out of a connection. */
type Line = Connection & { readonly stream: { destroy(reason: Error): void } };

/**
 * Lets a client log in by SCRAM alone. Call it before the client connects: its listeners stand in front of pg's own,
 * and what pg answers to a line that is cut goes nowhere.
 *
 * Whether the server's own proof is right is checked by pg, which fails where it is not. It answers what stands behind
 * a wrong proof all the same, so no proof makes up for another question.
 */
export function requireScram(client: Client): void {
  const line = client.connection as Line;
  const refuse = (how: string) => (): void => {
    line.stream.destroy(
      new ConnectionError(
        `The Postgres server ${how}, and connection.scram is "required"; no password was sent. Let the server use scram-sha-256 (pg_hba.conf, password_encryption), or set connection.scram to "offered".`,
        { retryable: false },
      ),
    );
  };
  line.on('authenticationCleartextPassword', refuse('asks for the password in the clear'));
  line.on('authenticationMD5Password', refuse('asks for the password by MD5'));
  const refuseOk = refuse('asks for no password');
  line.on('authenticationSASLFinal', () => line.off('authenticationOk', refuseOk));
  line.on('authenticationOk', refuseOk);
}
