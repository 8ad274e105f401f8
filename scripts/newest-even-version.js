// Reads a JSON list of versions and prints the newest of the newest even major.
let text = ''
for await (const chunk of process.stdin) text += chunk
const versions = JSON.parse(text)
  .filter((version) => /^\d+\.\d+\.\d+$/.test(version))
  .map((version) => version.split('.').map(Number))
  .filter(([major]) => major % 2 === 0)
  .sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2])
console.log(versions.at(-1).join('.'))
