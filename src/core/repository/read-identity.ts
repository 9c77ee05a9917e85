import { orderKey } from '../query/order.ts';
import type { FilterPlan, FindPlan, PagePlan } from './plan-read.ts';

/** What tells a read from every other one of its table. */
export interface ReadIdentity {
  readonly shape: string;
  readonly values: readonly unknown[];
}

/** @param name tells apart what is asked with the same filter */
export function filterIdentity(name: string, { condition, values }: FilterPlan): ReadIdentity {
  return { shape: `${name} ${condition.key}`, values };
}

/** @param name as in `filterIdentity` */
export function findIdentity(
  name: string,
  { condition, values, order, limit, names }: FindPlan,
): ReadIdentity {
  const selection = name === 'select' ? names.join('\0') : '';
  return { shape: `${name} ${orderKey(order)} ${limit ?? ''} ${selection} ${condition.key}`, values };
}

export function pageIdentity({ condition, values, order, limit, gap, direction }: PagePlan): ReadIdentity {
  const place = gap === undefined ? '' : `${direction} ${gap.side}`;
  return {
    shape: `page ${orderKey(order)} ${limit} ${place} ${condition.key}`,
    values: gap === undefined ? values : [...values, ...gap.values],
  };
}
