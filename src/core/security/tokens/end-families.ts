import type { RefreshSettings } from './refresh-options.ts';
import { longestSkew } from './token-config.ts';
import { tokenTablesOf } from './token-tables.ts';

/** Which sessions are ended. */
export type FamilyChoice = { readonly sessionId: string } | { readonly subject: string };

/** Ends sessions, with their refresh tokens and, where revocations are kept, their access tokens. @returns how many */
export async function endFamilies(
  tx: object,
  choice: FamilyChoice,
  reason: 'reuse' | 'request',
  { clock, revocations, accessLifetime }: RefreshSettings,
): Promise<number> {
  const now = clock.now();
  const update = tokenTablesOf(tx)
    .updateTable('token_families')
    .set({ revoked_at: now, revoked_for: reason })
    .where('revoked_at', 'is', null)
    .returning(['id', 'expires_at']);
  const ended = await (
    'sessionId' in choice
      ? update.where('id', '=', choice.sessionId)
      : update.where('subject', '=', choice.subject)
  ).execute();
  // The access tokens of a session end with it. The last of them was issued by now, by a clock that may be ahead.
  const last = now + accessLifetime + longestSkew;
  for (const { id, expires_at: end } of ended) {
    const revocation = {
      kind: 'session',
      value: id,
      issued_until: now,
      expires_at: Math.min(end, last) + longestSkew,
    } as const;
    await revocations?.add(revocation, { on: tx });
  }
  return ended.length;
}
