/**
 * Lifts the limit on the time of a statement until the transaction ends. The server takes it as it is; the
 * connection knows it by its text, and waits for answers without a limit of its own as well.
 */
export const liftStatementLimit = 'set local statement_timeout = 0';

/** The same for a connection as long as it is lent: outside of a transaction too. It is taken off when it goes back. */
export const liftSessionLimit = 'set statement_timeout = 0';
