import { failureCases } from './transport-cases-failure.ts'
import { identityCases } from './transport-cases-identity.ts'
import { linkCases } from './transport-cases-link.ts'
import type { TransportCase } from './transport-group.ts'

/**
 * What every implementation of the Transport port has to do. Use with any test runner:
 *
 *     for (const { name, members, run } of transportAcceptance) {
 *       test(name, async () => {
 *         const group = await makeGroup(members)
 *         try { await run(group) } finally { await group.dispose() }
 *       })
 *     }
 */
export const transportAcceptance: readonly TransportCase[] = [...linkCases, ...identityCases, ...failureCases]
