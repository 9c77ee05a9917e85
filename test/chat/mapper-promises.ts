/** What every mapper of the chat promises. */
import { expect } from 'chai';
import fc from 'fast-check';
import { ValidationError } from '../../src/core/domain/index.ts';

/** Declares a test: entity to row to entity gives an equal, frozen one, and the row has every column once. */
export function itComesBackEqual<Entity extends object, Row extends object>(
  what: string,
  entities: fc.Arbitrary<Entity>,
  fromRow: (row: Row) => Entity,
  toRow: (entity: Entity) => Row,
): void {
  it(what, () => {
    fc.assert(
      fc.property(entities, (entity) => {
        const row = toRow(entity);
        expect(Object.values(row)).not.to.include(undefined);
        expect(Object.keys(row)).to.have.lengthOf(Object.keys(entity).length);
        const back = fromRow(row);
        expect(back).to.deep.equal(entity).and.be.frozen;
        expect(toRow(back)).to.deep.equal(row);
      }),
    );
  });
}

/** Reading must fail, with the column in the path and without the value in the message. */
export function expectUnreadable(read: () => unknown, column: string, value: unknown): void {
  let error: unknown;
  try {
    read();
  } catch (caught) {
    error = caught;
  }
  expect(error, 'it was read').to.be.instanceOf(ValidationError);
  const { issues, message } = error as ValidationError;
  expect(issues[0]?.path[0]).to.equal(column);
  if (typeof value === 'string' && value.length > 2) expect(message).not.to.include(value);
}
