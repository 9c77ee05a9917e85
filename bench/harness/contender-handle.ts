import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ContenderJob, Replies, Reply, Request } from './messages.ts';

const program = fileURLToPath(new URL('./contender-process.ts', import.meta.url));

/** The parent's end of a contender's process. */
export class ContenderHandle implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #title: string;

  private constructor(child: ChildProcess, title: string) {
    this.#child = child;
    this.#title = title;
  }

  /** Starts a contender in a process of its own and waits until its database is open. */
  static async start(job: ContenderJob): Promise<ContenderHandle> {
    const child = fork(program, [JSON.stringify(job)], { execArgv: ['--expose-gc'] });
    const handle = new ContenderHandle(child, `${job.contender} on ${job.options.engine}`);
    await handle.#receive();
    return handle;
  }

  /** @throws where the contender fails; its process may be gone then */
  async ask<Kind extends Request['kind']>(request: Extract<Request, { kind: Kind }>): Promise<Replies[Kind]> {
    const reply = this.#receive();
    this.#child.send(request);
    return (await reply) as Replies[Kind];
  }

  /** Closes its database and ends the process. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || !this.#child.connected) return;
    const ended = once(this.#child, 'exit');
    await this.ask({ kind: 'close' });
    await ended;
  }

  #receive(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const hear = (reply: Reply) => {
        this.#child.off('exit', end);
        if ('fault' in reply) reject(new Error(`${this.#title}: ${reply.fault}`));
        else resolve(reply.value);
      };
      const end = (code: number | null) => {
        this.#child.off('message', hear);
        reject(new Error(`${this.#title}: its process ended with ${code ?? 'a signal'}.`));
      };
      this.#child.once('message', hear);
      this.#child.once('exit', end);
    });
  }
}
