/** Counts the statements that are sent, so that a test can hold that none was. */
export class StatementCounter {
  count = 0;
  readonly onStatement = (): void => {
    this.count += 1;
  };
}
