#!/usr/bin/env node
import { processSurroundings, runProgram } from '@chatroom/configuration'
import { createAdminReplicaClient } from './admin-replica-client.ts'
import { accountCommand } from './commands/account.ts'
import { certsCommand } from './commands/certs.ts'
import { hashCommand } from './commands/hash.ts'
import { logCommand } from './commands/log.ts'
import { logLevelCommand } from './commands/log-level.ts'
import { memberCommand } from './commands/member.ts'
import { recoverCommand } from './commands/recover.ts'
import { snapshotCommand } from './commands/snapshot.ts'
import { statusCommand } from './commands/status.ts'
import { transferLeadershipCommand } from './commands/transfer-leadership.ts'
import { verifyCommand } from './commands/verify.ts'

process.exitCode = await runProgram(
  {
    name: 'chatctl',
    summary: 'Looks at a cluster and operates it.',
    commands: [
      statusCommand(createAdminReplicaClient, process.stdout.isTTY === true),
      transferLeadershipCommand(createAdminReplicaClient),
      memberCommand(createAdminReplicaClient),
      accountCommand(createAdminReplicaClient),
      hashCommand(createAdminReplicaClient),
      logLevelCommand(createAdminReplicaClient),
      recoverCommand,
      verifyCommand,
      logCommand,
      snapshotCommand(createAdminReplicaClient),
      certsCommand,
    ],
    notes: '"chatctl COMMAND --help" tells the rest.',
  },
  processSurroundings(),
)
