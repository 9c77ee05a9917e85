import { stress, openStressed, rowOf, write } from './stress-process.ts';

const [work, url, own, other, count] = process.argv.slice(2);

if (work === 'check') {
  console.log(JSON.stringify(await stress(url!, Number(own), Number(other), Number(count))));
} else {
  // It writes until it is killed.
  const opened = await openStressed(url!);
  for (let round = 0; ; round += 1) {
    await write(opened, rowOf(Number(own)), round % 5);
    console.log(round);
  }
}
