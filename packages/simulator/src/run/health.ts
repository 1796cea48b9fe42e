import type { StateMachine } from '@chatroom/replica'
import type { Cluster, Program } from '../world/cluster.ts'

/** What is wrong with a cluster that should be well: one leader serves, and everybody who belongs to it follows and has everything. Null: nothing. */
export function whatIsWrong<Command, Reply, Machine extends StateMachine<Command, Reply>>(
  cluster: Cluster<Command, Reply, Machine>,
  everybodyIsMember: boolean,
): string | null {
  const all = cluster.programs().map(({ replica }) => replica.status())
  const serving = all.filter((status) => status.serving)
  const [leader] = serving
  const down = cluster.hosts.filter(({ program }) => program === null || !program.up)
  if (leader === undefined || serving.length > 1) {
    const waits = all.map(
      ({ id, role, term, waiting }) =>
        `r${id} ${role} in term ${term} ${waiting.map(({ words }) => words).join('; ')}`,
    )
    return [
      `${serving.length} leaders serve`,
      ...down.map(({ id, lastWords }) => `r${id} is down ${lastWords}`),
      ...waits,
    ].join(' | ')
  }
  const { members, learners } = leader.view
  for (const { id, disk, program, lastWords } of cluster.hosts) {
    const named = members.find((member) => member.id === id)
    if (named === undefined && !everybodyIsMember && !learners.some((learner) => learner.id === id)) continue
    if (named === undefined && everybodyIsMember) return `r${id} is not a member of the view`
    if (program === null || !program.up) return `r${id} is not up ${lastWords}`
    if (named !== undefined && named.disk !== disk.name)
      return `the view does not name r${id} with its disk ${disk.name}`
    const status = program.replica.status()
    if (status.appliedIndex < leader.commitIndex || status.lastIndex !== leader.lastIndex)
      return `r${id} has applied ${status.appliedIndex} of ${status.lastIndex}; r${leader.id} has committed ${leader.commitIndex} of ${leader.lastIndex}`
    if (named !== undefined && named.incarnation !== 0 && named.incarnation !== status.incarnation)
      return `the view names another run of r${id}`
    if (!status.admitted) return `r${id} does not know that it is admitted`
  }
  if (!leader.viewInForce || leader.commitIndex < leader.lastIndex)
    return `r${leader.id} has committed ${leader.commitIndex} of ${leader.lastIndex}`
  return null
}

/** The next thing an operator does so that every replica is a member with the disk that it has. */
export function tidyUp<Command, Reply, Machine extends StateMachine<Command, Reply>>(
  cluster: Cluster<Command, Reply, Machine>,
): void {
  const leader: Program<Command, Reply, Machine> | undefined = cluster
    .programs()
    .find(({ replica }) => replica.status().serving)
  if (leader === undefined) return
  const { view, viewInForce } = leader.replica.status()
  if (!viewInForce) return
  for (const { id, disk } of cluster.hosts) {
    const member = view.members.find((each) => each.id === id)
    const learner = view.learners.find((each) => each.id === id)
    const named = member ?? learner
    // Not yet pinned to a disk: that happens by itself.
    if (member?.disk === disk.name || member?.disk === '') continue
    if (named !== undefined && named.disk !== disk.name) {
      if (id === leader.replica.id) return cluster.askLeader((asked) => asked.transferLeadership())
      return cluster.askLeader((asked) => asked.changeMembers({ type: 'remove', id }))
    }
    return cluster.askLeader((asked) =>
      asked.changeMembers({ type: named === undefined ? 'addLearner' : 'promote', id }),
    )
  }
}
