import { expect } from 'chai';
import { createProgress } from '../../src/cli/progress.ts';
import { FakeClock } from '../support/fake-clock.ts';

/** Runs work that reports every 20 ms for 10 s, and gives what was written. */
function writtenOn(terminal: boolean, total?: number): string[] {
  const written: string[] = [];
  const clock = new FakeClock();
  const stream = { isTTY: terminal, write: (text: string) => written.push(text) };
  const progress = createProgress({
    stream,
    unit: 'threads',
    clock,
    ...(total === undefined ? {} : { total }),
  });
  for (let done = 1; done <= 500; done += 1) {
    clock.advance(20);
    progress.update(done, `${done * 2} messages`);
  }
  progress.end();
  return written;
}

describe('progress', () => {
  it('is one line on a terminal, painted over itself', () => {
    const written = writtenOn(true, 500);
    for (const text of written.slice(0, -1)) {
      expect(text.startsWith('\r')).to.equal(true);
      expect(text).not.to.include('\n');
    }
    expect(written.at(-1)).to.equal('\n');
    expect(written.at(-2)).to.include(`[${'#'.repeat(30)}] 500/500 threads, 1000 messages`);
  });

  it('is painted often enough to move, and not at every report', () => {
    expect(writtenOn(true, 500).length).to.be.within(100, 250);
  });

  it('is plain lines elsewhere, one a second at most, and the last state is among them', () => {
    const written = writtenOn(false);
    expect(written.length).to.be.within(5, 11);
    for (const text of written) expect(text).to.match(/^\d+ threads, \d+ messages\n$/);
    expect(written.at(-1)).to.equal('500 threads, 1000 messages\n');
  });

  it('says nothing of work that reported nothing', () => {
    const written: string[] = [];
    createProgress({ stream: { write: (text) => written.push(text) }, unit: 'threads' }).end();
    expect(written).to.deep.equal([]);
  });
});
