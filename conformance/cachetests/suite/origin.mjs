// Starts the suite's origin on the loopback interface alone; by itself it listens on all of them.
// Runs in the suite's folder.
import http from 'http'
import { pathToFileURL } from 'url'

const listen = http.Server.prototype.listen
http.Server.prototype.listen = function (port) {
  return listen.call(this, Number(port), '127.0.0.1')
}

await import(pathToFileURL(`${process.cwd()}/server/server.mjs`))
