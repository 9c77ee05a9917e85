/**
 * A process of its own that takes the write lock of a SQLite file, says `held`, keeps it for as many ms as
 * it is told, commits, and says when: in ms since the Unix epoch, with fractions.
 */
import Database from 'better-sqlite3';

const [filename = '', hold = '0'] = process.argv.slice(2);
const database = new Database(filename);
database.exec('begin immediate');
console.log('held');
setTimeout(() => {
  database.exec('commit');
  console.log(performance.timeOrigin + performance.now());
  database.close();
}, Number(hold));
