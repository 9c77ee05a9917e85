import { nameOfError, type EscapeLedger, type ScopeRecord } from './escape-ledger.ts';
import type { EscapeHistory, EscapeScript, EscapeStep, EscapeSteps } from './escape-history.ts';
import type { EscapeScope, EscapeSubject } from './escape-subject.ts';

/** Lets a step wait until it is its turn. */
export type Gate = (label: string) => Promise<void>;

/** What the steps of one scope work with. */
interface StepContext {
  readonly subject: EscapeSubject;
  readonly ledger: EscapeLedger;
  readonly gate: Gate;
  readonly scope: EscapeScope;
  readonly record: ScopeRecord;
  /** That of the scope around this one. */
  readonly outer: StepContext | undefined;
}

class ScriptedFailure extends Error {
  override readonly name = 'ScriptedFailure';
}

const ignore = () => {};
const openGate: Gate = () => Promise.resolve();

/** Runs the scripts of a history at once, and waits until nothing of it is under way, awaited by them or not. */
export async function runHistory(
  subject: EscapeSubject,
  history: EscapeHistory,
  ledger: EscapeLedger,
  gate: Gate,
): Promise<void> {
  await Promise.all(history.map((script) => runScript(subject, script, ledger, gate)));
  await ledger.settle();
}

async function runScript(
  subject: EscapeSubject,
  { steps, isScheduled, lateInserts }: EscapeScript,
  ledger: EscapeLedger,
  gate: Gate,
): Promise<void> {
  let last: StepContext | undefined;
  const open = (work: (scope: EscapeScope) => Promise<void>) => subject.transaction(work);
  await runScope(open, undefined, ledger, (scope, record) => {
    last = { subject, ledger, gate: isScheduled ? gate : openGate, scope, record, outer: undefined };
    return runSteps(steps, last);
  }).catch(ignore);
  for (let count = 0; count < lateInserts && last !== undefined; count += 1) {
    const { scope, record } = last;
    await gate('late insert');
    await ledger.insert(record, (id) => scope.insert(id)).catch(ignore);
  }
}

/**
 * Runs work in a scope and writes down what became of it. A library may run the work again: what an attempt did
 * is then undone.
 */
async function runScope(
  open: (work: (scope: EscapeScope) => Promise<void>) => Promise<void>,
  parent: ScopeRecord | undefined,
  ledger: EscapeLedger,
  work: (scope: EscapeScope, record: ScopeRecord) => Promise<void>,
): Promise<void> {
  let record: ScopeRecord | undefined;
  let failure: { readonly error: unknown } | undefined;
  const end = (state: 'kept' | 'undone', why?: string) => {
    if (record !== undefined) ledger.endScope(record, state, why);
  };
  try {
    await open(async (scope) => {
      end('undone', ', to be run again');
      record = ledger.openScope(parent);
      failure = undefined;
      try {
        await ledger.track(work(scope, record));
      } catch (error) {
        failure = { error };
        throw error;
      }
    });
  } catch (error) {
    end('undone', `: ${nameOfError(error)}`);
    // A nested scope may be told why the one around it ended before its own work did.
    if (parent === undefined && failure !== undefined && failure.error !== error) {
      const names = `${nameOfError(failure.error)} and its caller got ${nameOfError(error)}`;
      ledger.fault('masked', `${record?.name} failed by ${names}`);
    }
    throw error;
  }
  end('kept');
  if (failure !== undefined)
    ledger.fault('masked', `${record?.name} failed, and its caller was told of a success`);
}

async function runSteps(steps: EscapeSteps, context: StepContext): Promise<void> {
  for (const step of steps) {
    await context.gate(`${context.record.name}: ${step.do}`);
    await runStep(step, context);
  }
}

async function runStep(step: EscapeStep, context: StepContext): Promise<void> {
  const { subject, ledger, scope, record, gate } = context;
  switch (step.do) {
    case 'insert': {
      const by = step.by === 'outer' ? (context.outer ?? context) : context;
      const insert = ledger.insert(by.record, (id) => by.scope.insert(id));
      if (step.isAwaited) await insert;
      else insert.catch(ignore);
      return;
    }
    case 'read':
      return ledger.track(scope.read());
    case 'stream':
      return runStream(step.isBrokenOff, context);
    case 'fail':
      ledger.say(record, step.isSwallowed ? 'fails, and swallows it' : 'fails');
      return unless(step.isSwallowed, ledger.track(scope.fail()));
    case 'throw':
      ledger.say(record, 'throws');
      throw new ScriptedFailure('a step of the script');
    case 'wait':
      for (let count = 0; count < step.microtasks; count += 1) await Promise.resolve();
      return;
    case 'outside':
      return unless(step.isSwallowed, insertOutside(subject, ledger));
    case 'hook': {
      const register = step.on === 'commit' ? scope.afterCommit : scope.afterRollback;
      if (register === undefined) return;
      const hook = ledger.hook(record, step.on, async () => {
        await insertOutside(subject, ledger);
        if (step.isThrowing) throw new ScriptedFailure('a hook of the script');
      });
      try {
        register(hook.call);
      } catch (error) {
        hook.refuse();
        throw error;
      }
      return;
    }
    case 'nest': {
      if (scope.nested === undefined) return;
      const open = (work: (inner: EscapeScope) => Promise<void>) => scope.nested?.(work) ?? Promise.resolve();
      const run = runScope(open, record, ledger, (inner, innerRecord) =>
        runSteps(step.steps, {
          subject,
          ledger,
          gate,
          scope: inner,
          record: innerRecord,
          outer: context,
        }),
      );
      return unless(step.isSwallowed, ledger.track(run));
    }
    case 'parallel': {
      const inner = step.isScheduled ? context : { ...context, gate: openGate };
      const branches = step.branches.map((steps) => ledger.track(runSteps(steps, inner)));
      await (step.waitsForAll ? Promise.allSettled(branches) : Promise.all(branches));
    }
  }
}

async function runStream(isBrokenOff: boolean, { ledger, scope, record, gate }: StepContext): Promise<void> {
  if (scope.stream === undefined) return;
  ledger.say(record, isBrokenOff ? 'opens a stream, and breaks it off' : 'opens a stream');
  for await (const _row of scope.stream()) {
    await gate(`${record.name}: next of the stream`);
    await ledger.insert(record, (id) => scope.insert(id));
    if (isBrokenOff) return;
  }
}

function insertOutside(subject: EscapeSubject, ledger: EscapeLedger): Promise<void> {
  return subject.insertOutside === undefined
    ? Promise.resolve()
    : ledger.insert(undefined, async (id) => subject.insertOutside?.(id));
}

async function unless(isSwallowed: boolean, work: Promise<void>): Promise<void> {
  if (isSwallowed) await work.catch(ignore);
  else await work;
}
