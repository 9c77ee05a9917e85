import { expect } from 'chai';
import { sealedChange, type FieldChange } from '../../../src/core/audit/index.ts';
import { maskValue } from '../../../src/core/audit/masked-value.ts';
import { Secret } from '../../../src/core/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { auditKeys } from './audit-fixture.ts';
import {
  makeAccount,
  openAudited,
  readTold,
  type AuditedDatabase,
  type ToldEvent,
} from './audited-fixture.ts';

const [pin, card] = ['4711-geheim', '4000-1234-geheim'];

describeOnEachDatabase('audited secrets stay out of the trail', (database) => {
  let audited: AuditedDatabase;
  let last = 0;

  before(async () => {
    audited = await openAudited(await database.freshUrl());
  });
  after(() => audited.provider.close());

  async function told(): Promise<ToldEvent[]> {
    const { events, last: next } = await readTold(audited, last);
    last = next;
    return events;
  }

  const valueOf = (event: ToldEvent | undefined, field: string): FieldChange | undefined =>
    event?.changes.find((change) => change.field === field);

  it('masked and encrypted ones, on every way that a row goes', async () => {
    const { accounts, provider } = audited;
    const account = makeAccount({ pin, card: new Secret(card) });
    const stored = await accounts.insert(account);
    await accounts.insertMany([{ ...account, id: crypto.randomUUID(), name: 'other' }]);
    const changed = await accounts.update({ ...stored, pin: `${pin}!`, card: new Secret(`${card}!`) });
    const upserted = await accounts.upsert(changed);
    await accounts.delete(upserted);
    const rows = await provider.db.selectFrom('audit_logs').selectAll().execute();
    expect(rows).to.have.length(5);
    const text = JSON.stringify(rows);
    expect(text).to.not.include('geheim');
    expect(text).to.not.include('card_index');
    expect(text).to.not.include('l1.');
    const [made, , updated] = await told();
    expect(valueOf(made, 'card')).to.deep.equal({ field: 'card', new: { $sealed: true } });
    expect(valueOf(updated, 'card')).to.deep.equal(sealedChange('card'));
  });

  it('and show whether a masked one has changed', async () => {
    const { accounts } = audited;
    await told();
    const first = await accounts.insert(makeAccount({ pin }));
    const second = await accounts.update({ ...first, pin: 'other' });
    const third = await accounts.update({ ...second, pin });
    await accounts.update({ ...third, seen: 1 });
    const [made, away, back, same] = await told();
    const code = valueOf(made, 'pin')?.new;
    expect(code)
      .to.have.property('$masked')
      .that.matches(/^audit:[0-9a-f]{64}$/);
    expect(valueOf(away, 'pin')?.old).to.deep.equal(code);
    expect(valueOf(away, 'pin')?.new).to.not.deep.equal(code);
    expect(valueOf(back, 'pin')?.new).to.deep.equal(code);
    expect(valueOf(same, 'pin')).to.equal(undefined);
  });

  it('and show whether there was one', async () => {
    const { accounts } = audited;
    const account = await accounts.insert(makeAccount());
    await told();
    await accounts.update({ ...account, pin, card: new Secret(card) });
    const [event] = await told();
    expect(valueOf(event, 'pin')?.old).to.equal(null);
    expect(valueOf(event, 'card')).to.deep.equal({ field: 'card', old: null, new: { $sealed: true } });
  });

  it('while a code says nothing of another field, entity, value or key', () => {
    const place = { entity: 'account', field: 'pin' };
    const codes = [
      maskValue(auditKeys(), place, pin),
      maskValue(auditKeys(), { ...place, field: 'name' }, pin),
      maskValue(auditKeys(), { ...place, entity: 'user' }, pin),
      maskValue(auditKeys(), place, '1'),
      maskValue(auditKeys(), place, 1),
      maskValue(auditKeys(), place, Buffer.from('1')),
      maskValue(auditKeys('other'), place, pin),
    ].map(({ $masked }) => $masked.slice($masked.indexOf(':')));
    expect(new Set(codes).size).to.equal(codes.length);
    expect(audited.log.mask('account', 'pin', pin)).to.deep.equal(maskValue(auditKeys(), place, pin));
  });
});
