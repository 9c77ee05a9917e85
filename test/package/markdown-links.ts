/**
 * Reads Markdown as far as links need: which places a page points to, and which headings it has. It is no
 * parser: it knows inline links and ATX headings, which is what the pages use.
 */
import { posix } from 'node:path';

const fence = /^(`{3,}|~{3,})[^]*?^\1.*$/gm;
const codeSpan = /(`+)[^`][^]*?\1/g;
const link = /\[(?:[^[\]]|\[[^\]]*\])*\]\(\s*<?([^\s<>)]+)>?(?:\s+"[^"]*")?\s*\)/g;
const heading = /^#{1,6}[ \t]+(.+?)[ \t]*#*$/gm;
const elsewhere = /^[a-z][a-z0-9+.-]*:/i;

/** The targets of a page's links, as they are written; code does not count. */
export function readLinks(markdown: string): string[] {
  const prose = markdown.replace(fence, '').replace(codeSpan, '');
  return Array.from(prose.matchAll(link), ([, target = '']) => target);
}

/**
 * The anchors of a page's headings, as GitHub makes them: lower case, without punctuation, with hyphens for
 * spaces, and a number behind each repetition.
 */
export function readAnchors(markdown: string): ReadonlySet<string> {
  const counts = new Map<string, number>();
  const anchors = new Set<string>();
  for (const [, title = ''] of markdown.replace(fence, '').matchAll(heading)) {
    const text = title.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const slug = text.replace(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, '').replaceAll(' ', '-');
    const count = counts.get(slug) ?? 0;
    counts.set(slug, count + 1);
    anchors.add(count === 0 ? slug : `${slug}-${count}`);
  }
  return anchors;
}

/**
 * Holds the relative links of pages against the tree.
 *
 * @param pages text by path from the project's root, with `/`
 * @param exists whether a path from the root is a file or folder
 * @returns a line for each link that leads nowhere
 */
export function findBrokenLinks(
  pages: ReadonlyMap<string, string>,
  exists: (path: string) => boolean,
): string[] {
  const broken: string[] = [];
  for (const [page, text] of pages) {
    for (const target of readLinks(text).filter((written) => !elsewhere.test(written))) {
      const fault = judgeTarget(page, target, pages, exists);
      if (fault !== undefined) broken.push(`${page} links to ${target}: ${fault}`);
    }
  }
  return broken;
}

function judgeTarget(
  page: string,
  target: string,
  pages: ReadonlyMap<string, string>,
  exists: (path: string) => boolean,
): string | undefined {
  const [file = '', anchor] = target.split('#');
  const path = file === '' ? page : posix.join(posix.dirname(page), decodeURIComponent(file));
  if (path.startsWith('..') || file.startsWith('/')) return 'it leaves the project';
  if (!exists(path)) return 'there is no such file';
  if (anchor === undefined) return undefined;
  const markdown = pages.get(path);
  if (markdown === undefined) return 'only a page has headings';
  return readAnchors(markdown).has(decodeURIComponent(anchor)) ? undefined : 'there is no such heading';
}
