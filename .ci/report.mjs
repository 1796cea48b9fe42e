// Reads reports of vitest (JSON).
//   node .ci/report.mjs count FILE      prints `PASSED FAILED`; a report that is not there is a failure
//   node .ci/report.mjs failures FILE…  prints each failed test with what it said, so that the end of CI's output names them
import { readFileSync } from 'node:fs'

/** Lines shown of a failure's message: enough for the assertion and the first frames of its stack. */
const messageLines = 12

const read = (file) => {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return {
      numPassedTests: 0,
      numFailedTests: 0,
      testResults: [
        { name: file, status: 'failed', message: 'No report was written.', assertionResults: [] },
      ],
    }
  }
}

/** Files that failed without a failed test in them: they could not be loaded, or a hook of theirs failed. */
const brokenFiles = (report) =>
  report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  )

const [command, ...files] = process.argv.slice(2)
if (command === 'count') {
  const report = read(files[0])
  console.log(report.numPassedTests, report.numFailedTests + brokenFiles(report).length)
} else {
  const shown = (title, message) =>
    console.log(`\n-- ${title}\n${message.split('\n').slice(0, messageLines).join('\n')}`)
  for (const report of files.map(read)) {
    for (const file of brokenFiles(report)) shown(file.name, file.message ?? '')
    for (const file of report.testResults)
      for (const test of file.assertionResults)
        if (test.status === 'failed') shown(`${file.name}: ${test.fullName}`, test.failureMessages.join('\n'))
  }
}
