import type { ValueOf } from '../../core/domain/index.ts';
import { defineText } from '../define-text.ts';

/**
 * What a thread is called: 1 to 200 characters, trimmed.
 *
 * @example
 * ThreadTitle.parse(' Lunch '); // 'Lunch'
 */
export const ThreadTitle = defineText({ name: 'ThreadTitle', max: 200 });
export type ThreadTitle = ValueOf<typeof ThreadTitle>;
