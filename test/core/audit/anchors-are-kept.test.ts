import { expect } from 'chai';
import { appendFileSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { join } from 'node:path';
import { ConnectionError, type DatabaseProvider } from '../../../src/core/index.ts';
import {
  AuditLog,
  fileAnchors,
  httpAnchors,
  readAnchors,
  type AnchoringOptions,
  type AuditAnchor,
} from '../../../src/core/audit/index.ts';
import type { AuditTables } from '../../../src/core/audit/audit-tables.ts';
import { describeOnDatabase, describeOnEachDatabase } from '../../support/database.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { makeTempDirectory } from '../../support/temp-directory.ts';
import { until } from '../../support/until.ts';
import { auditKeys, openAuditDatabase, readRows } from './audit-fixture.ts';

const keys = auditKeys();

async function write(
  provider: DatabaseProvider<AuditTables>,
  log: AuditLog,
  ...types: string[]
): Promise<void> {
  await provider.transaction(async (tx) => {
    for (const type of types) await log.record(tx, { action: 'create', entity: { type } });
  });
}

describeOnEachDatabase('anchors', (database) => {
  let provider: DatabaseProvider<AuditTables>;
  let clock: FakeClock;
  let log: AuditLog;

  beforeEach(async () => {
    provider = await openAuditDatabase(await database.freshUrl());
    clock = new FakeClock();
    log = new AuditLog(provider, { keys, clock });
  });
  afterEach(() => provider.close());

  it('hold the last row of every chain, by name, and the time', async () => {
    expect((await log.anchor()).heads).to.deep.equal([]);
    await write(provider, log, 'b', 'a', 'b', 'ä', 'Z');
    const { heads, at, version, keyId } = await log.anchor();
    expect({ at, version, keyId }).to.deep.equal({ at: clock.now(), version: 1, keyId: 'audit' });
    expect(heads.map(({ stream, seq }) => [stream, seq])).to.deep.equal([
      ['entity:Z', 1],
      ['entity:a', 1],
      ['entity:b', 2],
      ['entity:ä', 1],
    ]);
    const rows = await readRows(provider);
    expect(heads.map(({ hash }) => hash)).to.deep.equal(
      rows.filter(({ seq, stream }) => seq === 2 || stream !== 'entity:b').map(({ hash }) => hash),
    );
  });

  it('are kept in a file, each on a line of its own, also behind a line that was cut off', async () => {
    const file = join(makeTempDirectory('anchors'), 'anchors.jsonl');
    const keep = fileAnchors(file);
    await write(provider, log, 'a');
    await keep(await log.anchor());
    await write(provider, log, 'a');
    await keep(await log.anchor());
    const anchors = await readAnchors(file);
    expect(anchors.map(({ heads }) => heads[0]!.seq)).to.deep.equal([1, 2]);
    expect(await log.verify({ anchors })).to.include({ isSound: true, anchored: 2 });
    appendFileSync(file, '{"version":1,"at');
    await keep(await log.anchor());
    expect(readFileSync(file, 'utf8').split('\n')).to.have.lengthOf(5);
    const error = await rejectionOf(readAnchors(file));
    expect(error)
      .to.include({ code: 'LIMINAL_VALIDATION' })
      .and.have.property('message')
      .that.matches(/line.*3/u);
    expect(await rejectionOf(readAnchors(`${file}.none`))).to.include({ code: 'LIMINAL_CONFIGURATION' });
  });

  it('are made at once and from time to time, whatever fails, until they are closed', async () => {
    await write(provider, log, 'a');
    const kept: AuditAnchor[] = [];
    const errors: unknown[] = [];
    let isBroken = true;
    const to: AnchoringOptions['to'] = [
      () => {
        if (isBroken) throw new RangeError('no room');
      },
      async (anchor) => void kept.push(anchor),
    ];
    const anchoring = log.startAnchoring({ every: 60_000, to, onError: (error) => errors.push(error) });
    await until(async () => kept.length === 1 && errors.length === 1 && clock.pending === 1);
    isBroken = false;
    clock.advance(59_999);
    expect(kept).to.have.lengthOf(1);
    clock.advance(1);
    await until(async () => kept.length === 2 && clock.pending === 1);
    expect(errors).to.have.lengthOf(1);
    await anchoring.close();
    expect(clock.pending).to.equal(0);
    clock.advance(600_000);
    expect(kept).to.have.lengthOf(2);
    expect(() => log.startAnchoring({ every: 999, to, onError: () => {} })).to.throw(/every/u);
  });

  it('go on where the one who is told of a failure fails as well', async () => {
    let asked = 0;
    const to = () => {
      asked += 1;
      throw new RangeError('no room');
    };
    const onError = () => {
      throw new TypeError('no words');
    };
    const anchoring = log.startAnchoring({ every: 1_000, to, onError });
    await until(async () => asked === 1 && clock.pending === 1);
    clock.advance(1_000);
    await until(async () => asked === 2 && clock.pending === 1);
    await anchoring.close();
  });

  it('go on where one who keeps them never answers', async () => {
    const errors: unknown[] = [];
    let asked = 0;
    const to = () => {
      asked += 1;
      return new Promise(() => {});
    };
    const anchoring = log.startAnchoring({ every: 1_000, to, onError: (error) => errors.push(error) });
    await until(async () => asked === 1 && clock.pending === 1);
    clock.advance(1_000);
    await until(async () => errors.length === 1 && clock.pending === 1);
    expect(errors[0]).to.be.instanceOf(ConnectionError);
    clock.advance(1_000);
    await until(async () => asked === 2 && clock.pending === 1);
    const closed = anchoring.close();
    clock.advance(1_000);
    await closed;
  });

  it('end with the provider', async () => {
    const errors: unknown[] = [];
    let kept = 0;
    const to = () => {
      kept += 1;
    };
    const anchoring = log.startAnchoring({ every: 1_000, to, onError: (error) => errors.push(error) });
    await until(async () => kept === 1 && clock.pending === 1);
    await provider.close();
    clock.advance(1_000);
    await anchoring.close();
    expect({ kept, errors }).to.deep.equal({ kept: 1, errors: [] });
  });
});

describeOnDatabase('sqlite-memory', 'anchors that are sent', (database) => {
  let server: Server;
  let url: string;
  let status = 200;
  let isSilent = false;
  const received: { readonly body: string; readonly request: IncomingMessage }[] = [];

  before(async () => {
    server = createServer((request, response) => {
      void text(request).then((body) => {
        received.push({ body, request });
        if (!isSilent) response.writeHead(status, { location: 'http://127.0.0.1:1/' }).end('secret answer');
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/anchors`;
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  it('arrive as JSON with their headers, and what the receiver refuses is an error without secrets', async () => {
    await using provider = await openAuditDatabase(await database.freshUrl());
    const log = new AuditLog(provider, { keys });
    const anchor = await log.anchor();
    const send = httpAnchors(url, { headers: { authorization: 'Bearer hidden' } });
    await send(anchor);
    expect(JSON.parse(received[0]!.body)).to.deep.equal(anchor);
    expect(received[0]!.request.method).to.equal('POST');
    expect(received[0]!.request.headers).to.include({
      authorization: 'Bearer hidden',
      'content-type': 'application/json',
    });
    for (status of [500, 302]) {
      const error = (await rejectionOf(Promise.resolve(send(anchor)))) as Error;
      expect(error).to.include({ code: 'LIMINAL_CONNECTION' });
      expect(error.message).not.to.match(/hidden|secret answer/u);
    }
    isSilent = true;
    const clock = new FakeClock();
    const sending = rejectionOf(Promise.resolve(httpAnchors(url, { timeout: 5_000, clock })(anchor)));
    await until(async () => received.length >= 4);
    clock.advance(5_000);
    expect(await sending).to.include({ code: 'LIMINAL_CONNECTION' });
    expect(() => httpAnchors('ftp://example.org')).to.throw(/http/u);
  });
});
