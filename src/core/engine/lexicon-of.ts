import type { SqlLexicon } from './sql-tokens.ts';
import type { SqlLexicalRules } from './sql-vocabulary.ts';

/** @returns how an engine's text is cut into tokens, by what its vocabulary says of its way of writing */
export function lexiconOf(rules: SqlLexicalRules): SqlLexicon {
  return {
    nameQuotes: rules.bracketIdentifiers ? ['""', '``', '[]'] : ['""'],
    commentsNest: rules.nestedComments,
    dollarQuotes: rules.dollarQuotes,
    foldsNames: rules.bracketIdentifiers,
  };
}
