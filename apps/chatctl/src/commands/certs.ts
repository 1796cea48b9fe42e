import { isIP } from 'node:net'
import { relative } from 'node:path'
import { CertificatesError, writeClusterCertificates } from '@chatroom/certificates'
import {
  type CommandDefinition,
  ConfigurationError,
  defineOption,
  type Option,
  onOrOff,
  options,
  path,
  textLike,
  wholeNumber,
} from '@chatroom/configuration'

const directory = defineOption<string>({
  key: 'certs',
  placeholder: 'directory',
  help: 'where to put them',
  schema: path(),
  fallback: 'certs',
  fallbackWords: './certs',
})

const hosts: Option<string> = defineOption<string>({
  key: 'hosts',
  placeholder: 'host,…',
  help: 'the host of each replica, in the order of their ids; names and addresses of one host are put together with +, as in chat0.example.org+10.0.0.5',
  schema: textLike('a list of hosts', /[^\0]*/),
  fallback: '127.0.0.1,127.0.0.1,127.0.0.1',
  fallbackWords: 'three replicas on 127.0.0.1',
  flagOnly: true,
})

const days = defineOption<number>({
  key: 'days',
  placeholder: 'number',
  help: 'days for which certificates hold; the authority holds for ten years',
  schema: wholeNumber('a number of days', 1, 3_650),
  fallback: 365,
  flagOnly: true,
})

const renew = defineOption<boolean>({
  key: 'renew',
  placeholder: null,
  help: 'keep the authority that is there and replace the certificates',
  schema: onOrOff(),
  fallback: false,
  flagOnly: true,
})

const notes = `\
Makes a certificate authority for one cluster, and with it:
  ca.crt, ca.key                    the authority. Its key is needed for --renew only: keep it where no server runs
  replica-N.crt, replica-N.key      for the host of replica N
  operator.crt, operator.key        for whoever uses chatctl

Copy ca.crt and replica-N.* to the host of replica N and start it with --certs <directory>. Give ca.crt to everybody who chats: it is
no secret, the keys are (only their owner may read them). On a loopback host the certificates are also for localhost, 127.0.0.1 and ::1.

Whoever can have a certificate signed by the authority under the name replica-N is replica N, and under the name operator an operator.
Use one authority for one cluster.

Servers use new files for new connections within a second, without a restart. To change the authority itself, let everybody believe
both for a while: put both certificates into ca.crt.

Exit codes: 0 made, 1 not made, 2 called or configured wrongly.`

/** Of replicas on one host nobody knows by which of its names they are called. */
const loopbackNames = ['localhost', '127.0.0.1', '::1']

/** `chatctl certs` */
export const certsCommand: CommandDefinition = {
  name: 'certs',
  summary: 'Makes a private certificate authority and the certificates of a cluster.',
  options: [hosts, directory, days, renew],
  notes,
  run: async ({ settings, surroundings }) => {
    const target = settings.path(directory)
    try {
      const written = await writeClusterCertificates({
        directory: target,
        hosts: namesOf(settings.get(hosts)),
        days: settings.get(days),
        renew: settings.get(renew),
      })
      for (const { path: file, secret } of written) {
        const shown = relative(surroundings.workingDirectory, file)
        surroundings.stdout(`${shown.startsWith('..') ? file : shown}${secret ? '  (secret)' : ''}\n`)
      }
      const given = settings.get(directory)
      surroundings.stdout(
        `\nNext: start the replicas with --certs ${given}, chat with --certs ${given} or --tls-ca ${given}/ca.crt.\n`,
      )
      return 0
    } catch (error) {
      if (!(error instanceof CertificatesError)) throw error
      surroundings.stderr(`${error.message}\n`)
      return 1
    }
  },
}

function namesOf(text: string): string[][] {
  if (text.trim() === '')
    throw new ConfigurationError(
      'invalid value',
      '--hosts: is empty; give the host of each replica, as in --hosts chat0.example.org,chat1.example.org,chat2.example.org.',
    )
  const replicas = text.split(',').map((host) => host.split('+').map((name) => name.trim()))
  if (replicas.length > options.maximumReplicas)
    throw new ConfigurationError(
      'invalid value',
      `--hosts: lists ${replicas.length} replicas; there may be ${options.maximumReplicas}.`,
    )
  return replicas.map((names) => {
    for (const name of names) {
      if (name === '')
        throw new ConfigurationError(
          'invalid value',
          `--hosts: '${text.replace(/\p{Cc}/gu, '?')}' leaves a place between its commas empty; name a host for each replica.`,
        )
      if (isIP(name) === 0 && !/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/i.test(name)) {
        throw new ConfigurationError(
          'invalid value',
          `--hosts: '${name.replace(/\p{Cc}/gu, '?')}' is neither a host name nor an IP address; write no port.`,
        )
      }
    }
    return names.some((name) => loopbackNames.includes(name)) ? [...names, ...loopbackNames] : names
  })
}
