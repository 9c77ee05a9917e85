/**
 * A process of its own that takes the write lock of a SQLite file, says `held`, keeps it until it is told
 * anything, commits, and says `free`.
 */
import Database from 'better-sqlite3';
import { once } from 'node:events';

const [filename = ''] = process.argv.slice(2);
const database = new Database(filename);
database.exec('begin immediate');
console.log('held');
await once(process.stdin, 'data');
database.exec('commit');
console.log('free');
database.close();
process.stdin.destroy();
