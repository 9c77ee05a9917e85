/**
 * A strict reader of Prometheus' text format 0.0.4: it takes what the grammar takes, and refuses besides what a scrape
 * would mix up or a linter would complain of.
 */

export interface ReadSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface ReadFamily {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: readonly ReadSample[];
}

const familyName = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const labelName = /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/;
const number = /^(?:NaN|[+-]Inf|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/;
const suffixes: Readonly<Record<string, readonly string[]>> = {
  counter: [''],
  gauge: [''],
  summary: ['', '_sum', '_count'],
  histogram: ['_bucket', '_sum', '_count'],
};

/** @throws where the text is not what Prometheus reads */
export function readExposition(text: string): ReadFamily[] {
  if (text !== '' && !text.endsWith('\n')) throw new Error('the last line has no end');
  if (!text.isWellFormed()) throw new Error('it is no UTF-8');
  const families: { name: string; type: string; help: string; samples: ReadSample[] }[] = [];
  const series = new Set<string>();
  for (const line of text.split('\n').slice(0, -1)) {
    if (line === '') throw new Error('an empty line');
    const help = /^# HELP (\S+) (.*)$/su.exec(line);
    if (help !== null) {
      const [, name = '', words = ''] = help;
      if (!familyName.test(name) || words.trim() === '') throw new Error(`no help: ${line}`);
      if (families.some((family) => family.name === name)) throw new Error(`${name} comes twice`);
      families.push({
        name,
        type: '',
        help: unescape(words, /\\(.)/gsu, { n: '\n', '\\': '\\' }),
        samples: [],
      });
      continue;
    }
    const family = families.at(-1);
    if (family === undefined) throw new Error(`nothing has a name yet: ${line}`);
    const type = /^# TYPE (\S+) (\S+)$/u.exec(line);
    if (type !== null) {
      const [, name, kind = ''] = type;
      if (name !== family.name || family.type !== '' || !(kind in suffixes))
        throw new Error(`no type: ${line}`);
      family.type = kind;
      continue;
    }
    if (line.startsWith('#')) throw new Error(`a comment: ${line}`);
    if (family.type === '') throw new Error(`a sample before its type: ${line}`);
    const sample = readSample(line);
    const suffix = sample.name.slice(family.name.length);
    if (!sample.name.startsWith(family.name) || !suffixes[family.type]!.includes(suffix))
      throw new Error(`a sample of another family: ${line}`);
    const key = keyOf(sample.name, sample.labels);
    if (series.has(key)) throw new Error(`twice: ${line}`);
    series.add(key);
    family.samples.push(sample);
  }
  for (const family of families) checkFamily(family);
  return families;
}

function readSample(line: string): ReadSample {
  const name = /^[a-zA-Z_:][a-zA-Z0-9_:]*/.exec(line)?.[0];
  if (name === undefined) throw new Error(`no name: ${line}`);
  const labels: Record<string, string> = {};
  let at = name.length;
  if (line[at] === '{') {
    at += 1;
    for (;;) {
      const equals = line.indexOf('="', at);
      const label = line.slice(at, equals);
      if (equals === -1 || !labelName.test(label) || Object.hasOwn(labels, label))
        throw new Error(`no label: ${line}`);
      at = equals + 2;
      let value = '';
      for (; line[at] !== '"'; at += 1) {
        if (at >= line.length) throw new Error(`no end of a label: ${line}`);
        if (line[at] !== '\\') {
          value += line[at];
          continue;
        }
        at += 1;
        const escaped = { n: '\n', '\\': '\\', '"': '"' }[line[at] ?? ''];
        if (escaped === undefined) throw new Error(`no escape: ${line}`);
        value += escaped;
      }
      if (value === '') throw new Error(`an empty label is none: ${line}`);
      labels[label] = value;
      at += 1;
      if (line[at] === '}') break;
      if (line[at] !== ',') throw new Error(`no comma: ${line}`);
      at += 1;
    }
    at += 1;
  }
  const text = line.slice(at + 1);
  if (line[at] !== ' ' || !number.test(text)) throw new Error(`no value: ${line}`);
  return {
    name,
    labels,
    value: text.endsWith('Inf') ? Number(text.replace('Inf', 'Infinity')) : Number(text),
  };
}

function unescape(text: string, escape: RegExp, values: Readonly<Record<string, string>>): string {
  return text.replaceAll(escape, (found: string, sign: string) => {
    const value = values[sign];
    if (value === undefined) throw new Error(`no escape: ${found}`);
    return value;
  });
}

function keyOf(name: string, labels: Readonly<Record<string, string>>): string {
  return JSON.stringify([name, Object.entries(labels).sort(([one], [other]) => (one < other ? -1 : 1))]);
}

function checkFamily({ name, type, samples }: ReadFamily): void {
  if (type === '') throw new Error(`${name} has no type`);
  if (samples.length === 0) throw new Error(`${name} has no samples`);
  if (/(?:^|_)(?:counter|gauge|histogram|summary|ms|millis|mb|kb)(?:_|$)/.test(name))
    throw new Error(`${name} names its type, or no base unit`);
  if ((type === 'counter') !== name.endsWith('_total')) throw new Error(`${name}: a ${type}`);
  if (/_(?:sum|count|bucket|info)$/.test(name) && !(type === 'gauge' && name.endsWith('_info')))
    throw new Error(`${name} ends as a part of others`);
  for (const sample of samples) {
    const hasBound = Object.hasOwn(sample.labels, 'le');
    if (hasBound !== sample.name.endsWith('_bucket')) throw new Error(`${sample.name}: le`);
    if (Object.hasOwn(sample.labels, 'quantile') && type !== 'summary') throw new Error(`${name}: quantile`);
    const isSumLike = type !== 'gauge' && !Object.hasOwn(sample.labels, 'quantile');
    if (isSumLike && !(sample.value >= 0)) throw new Error(`${name} goes back, or is none`);
  }
  if (type === 'histogram') checkBuckets(name, samples);
}

function checkBuckets(name: string, samples: readonly ReadSample[]): void {
  const groups = Map.groupBy(samples, ({ labels: { le: _bound, ...rest } }) => keyOf(name, rest));
  for (const group of groups.values()) {
    const buckets = group.filter((sample) => sample.name.endsWith('_bucket'));
    const of = (suffix: string) => group.filter((sample) => sample.name === name + suffix);
    const bounds = buckets.map(({ labels }) => Number(labels['le']?.replace('+Inf', 'Infinity')));
    if (bounds.at(-1) !== Infinity) throw new Error(`${name} has no last bucket`);
    if (bounds.some((bound, at) => at > 0 && !(bound > bounds[at - 1]!))) throw new Error(`${name}: bounds`);
    if (buckets.some(({ value }, at) => at > 0 && value < buckets[at - 1]!.value))
      throw new Error(`${name}: buckets are not cumulative`);
    if (of('_count')[0]?.value !== buckets.at(-1)?.value || of('_sum').length !== 1)
      throw new Error(`${name}: the count is not that of the last bucket`);
  }
}
