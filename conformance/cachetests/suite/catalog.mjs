// Prints what the suite knows about its own tests, as JSON. Runs in the suite's folder.
import { pathToFileURL } from 'url'

const load = async file => (await import(pathToFileURL(`${process.cwd()}/tests/${file}`))).default
const suites = [...await load('index.mjs'), await load('surrogate-control.mjs')]

console.log(JSON.stringify(suites.flatMap(suite => suite.tests.map(test => ({
  id: test.id,
  suite: suite.id,
  name: test.name,
  kind: test.kind || 'required',
  depends_on: test.depends_on || [],
  browser_only: test.browser_only === true
})))))
