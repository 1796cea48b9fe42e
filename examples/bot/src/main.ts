import { runBot } from './bot.ts'

const { SERVERS = '127.0.0.1:9600,127.0.0.1:9601,127.0.0.1:9602', BOT_NAME = 'echo' } = process.env
const { BOT_PASSWORD = 'not a secret' } = process.env
const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stop.abort())

console.log(`${BOT_NAME} answers. Ctrl-C ends it.`)
await runBot({
  servers: SERVERS.split(','),
  name: BOT_NAME,
  password: BOT_PASSWORD,
  answer: (text, from) => `${from}, you said: ${text}`,
  signal: stop.signal,
})
