/**
 * Lifts the limit on the time of a statement until the transaction ends. The server takes it as it is; the
 * connection knows it by its text, and waits for answers without a limit of its own as well.
 */
export const liftStatementLimit = 'set local statement_timeout = 0';
