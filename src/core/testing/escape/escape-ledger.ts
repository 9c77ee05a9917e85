/** What can be wrong with a history. */
export type EscapeFaultKind = 'escaped' | 'lost' | 'hung' | 'misfired' | 'masked';

/** One thing that is wrong with a history. */
export interface EscapeFault {
  /**
   * `escaped`: a row is stored whose scope was undone, or that nobody acknowledged. `lost`: an acknowledged row of
   * a committed scope is missing. `hung`: something did not end in time. `misfired`: a hook was called where it
   * should not be, or not called, or twice. `masked`: a caller got another error than the first.
   */
  readonly kind: EscapeFaultKind;
  /** What it is, in a sentence; rows are counted from 1. */
  readonly message: string;
}

/** A scope as it turned out. */
export interface ScopeRecord {
  readonly name: string;
  readonly parent: ScopeRecord | undefined;
  state: 'open' | 'kept' | 'undone';
}

interface RowRecord {
  readonly id: number;
  /** Undefined for a row that belongs to no transaction. */
  readonly scope: ScopeRecord | undefined;
  /** Asked for by the handle of a scope that had ended. */
  readonly isLate: boolean;
  isAcknowledged: boolean;
}

interface HookRecord {
  readonly scope: ScopeRecord;
  readonly on: 'commit' | 'rollback';
  isTaken: boolean;
  calls: number;
}

const ignore = () => {};

/**
 * Writes down what a history did and what it was told, and judges the table by it: there must be exactly the
 * rows that were acknowledged in scopes that were kept, all the way out.
 */
export class EscapeLedger {
  /** The id of the first row of the history. */
  readonly firstId: number;
  /** What happened, in its order. */
  readonly trace: string[] = [];
  readonly #rows: RowRecord[] = [];
  readonly #hooks: HookRecord[] = [];
  readonly #faults: EscapeFault[] = [];
  readonly #pending = new Set<Promise<unknown>>();
  #scopes = 0;

  constructor(firstId: number) {
    this.firstId = firstId;
  }

  /** The id that the next history may begin with. */
  get nextId(): number {
    return this.firstId + this.#rows.length;
  }

  say(scope: ScopeRecord | undefined, event: string): void {
    this.trace.push(`${scope?.name ?? 'outside'}: ${event}`);
  }

  /**
   * Writes down that a scope begins.
   *
   * @param around the scope that it was asked for in. Behind its commit there is none any more, and what is begun
   *   then stands for itself; behind its rollback nothing may begin.
   */
  openScope(around: ScopeRecord | undefined): ScopeRecord {
    const parent = around !== undefined && outermost(around).state === 'kept' ? undefined : around;
    this.#scopes += 1;
    const name = `${parent === undefined ? 'transaction' : 'nested scope'} ${this.#scopes}`;
    const scope: ScopeRecord = { name, parent, state: 'open' };
    this.say(scope, parent === undefined ? 'begins' : `begins in ${parent.name}`);
    return scope;
  }

  endScope(scope: ScopeRecord, state: 'kept' | 'undone', why = ''): void {
    scope.state = state;
    this.say(scope, `${state}${why}`);
  }

  /** Inserts a row, and writes down whether that was acknowledged. Rejects as the insert does. */
  insert(scope: ScopeRecord | undefined, run: (id: number) => Promise<void>): Promise<void> {
    const isLate = scope !== undefined && scope.state !== 'open';
    const row: RowRecord = { id: this.nextId, scope, isLate, isAcknowledged: false };
    this.#rows.push(row);
    const name = this.#nameOf(row.id);
    this.say(scope, `inserts ${name}${isLate ? ' after the end' : ''}`);
    return this.track(
      (async () => {
        try {
          await run(row.id);
          row.isAcknowledged = true;
          this.say(scope, `${name} acknowledged`);
        } catch (error) {
          this.say(scope, `${name} refused: ${nameOfError(error)}`);
          throw error;
        }
      })(),
    );
  }

  /**
   * Writes down that a hook is asked for.
   *
   * @returns `call` is the hook; `refuse` says that it was not taken
   */
  hook(
    scope: ScopeRecord,
    on: 'commit' | 'rollback',
    body: () => Promise<void>,
  ): { readonly call: () => Promise<void>; readonly refuse: () => void } {
    const hook: HookRecord = { scope, on, isTaken: true, calls: 0 };
    this.#hooks.push(hook);
    const name = `hook ${this.#hooks.length}`;
    this.say(scope, `asks for ${name}, after ${on}`);
    return {
      call: () => {
        hook.calls += 1;
        this.say(scope, `${name} is called`);
        return this.track(body());
      },
      refuse: () => {
        hook.isTaken = false;
        this.say(scope, `${name} is refused`);
      },
    };
  }

  /** Waits for it at the end, whoever else does. */
  track<Result>(work: Promise<Result>): Promise<Result> {
    this.#pending.add(work);
    const leave = () => this.#pending.delete(work);
    work.then(leave, leave);
    return work;
  }

  /** Waits until nothing of the history is under way. */
  async settle(): Promise<void> {
    while (this.#pending.size > 0) await Promise.allSettled(this.#pending).then(ignore);
  }

  get faults(): readonly EscapeFault[] {
    return this.#faults;
  }

  fault(kind: EscapeFaultKind, message: string): void {
    this.#faults.push({ kind, message });
  }

  /**
   * Holds the table against what was written down.
   *
   * @param stored the ids from the first of this history on
   */
  judge(stored: readonly number[]): readonly EscapeFault[] {
    const left = new Set(stored);
    for (const row of this.#rows) {
      const isStored = left.delete(row.id);
      const isOwed = !row.isLate && row.isAcknowledged && (row.scope === undefined || isKept(row.scope));
      if (isStored === isOwed) continue;
      if (isStored) this.fault('escaped', `${this.#nameOf(row.id)} is stored: ${whyNot(row)}`);
      else
        this.fault('lost', `${this.#nameOf(row.id)} was acknowledged and its scopes kept, and it is missing`);
    }
    for (const id of left) this.fault('escaped', `a row is stored that nobody inserted: ${id}`);
    for (const [index, { scope, on, isTaken, calls }] of this.#hooks.entries()) {
      const owed = isTaken && isKept(scope) === (on === 'commit') ? 1 : 0;
      if (calls === owed) continue;
      this.fault('misfired', `hook ${index + 1} (after ${on}) of ${scope.name} was called ${calls} times`);
    }
    return this.#faults;
  }

  #nameOf(id: number): string {
    return `row ${id - this.firstId + 1}`;
  }
}

function isKept(scope: ScopeRecord): boolean {
  return scope.state === 'kept' && (scope.parent === undefined || isKept(scope.parent));
}

function outermost(scope: ScopeRecord): ScopeRecord {
  return scope.parent === undefined ? scope : outermost(scope.parent);
}

function whyNot({ isLate, isAcknowledged, scope }: RowRecord): string {
  if (isLate) return `it was asked for after the end of ${scope?.name}`;
  return isAcknowledged ? `${scope?.name} or a scope around it was undone` : 'its insert was refused';
}

export function nameOfError(error: unknown): string {
  return error instanceof Error ? error.name : String(error);
}
