/** On which channel a publisher wakes the relays of other processes. The payload is the topic. */
export const publicationChannel = 'liminal_outbox';

/** Who is woken in this process, by the provider that the messages are published with. */
const hearers = new WeakMap<object, Set<() => void>>();

/** Hears when messages were committed. @returns ends it */
export function hearPublications(provider: object, hear: () => void): () => void {
  const all = hearers.get(provider) ?? new Set();
  hearers.set(provider, all.add(hear));
  return () => all.delete(hear);
}

/** Wakes the relays of this process that have the provider. */
export function tellPublication(provider: object): void {
  for (const hear of hearers.get(provider) ?? []) hear();
}
