import { useProviders, type Provider } from './copy-scene.ts';

/** Opens databases and runs statements in them: for schemas that the library's own columns do not make. */
export function useHandMade(): (url: string, statements: readonly string[]) => Promise<Provider> {
  const open = useProviders();
  return async (url, statements) => {
    const provider = open(url);
    for (const statement of statements) await provider.exec(statement);
    return provider;
  };
}
