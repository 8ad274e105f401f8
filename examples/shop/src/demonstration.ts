import { randomUUID } from 'node:crypto'
import { AcceptedList } from './accepted-list.ts'
import { CATALOGUE } from './catalogue.ts'
import { describeJourneys } from './journey.ts'
import { post } from './load.ts'
import type { ShopOptions } from './options.ts'
import { RunFolder } from './run-folder.ts'
import type { Order } from './services.ts'
import type { OpenShop } from './shop.ts'
import type { Terminal } from './terminal.ts'

/** Places an order for each item and shows the way that the last one took. */
export async function demonstrate(options: ShopOptions, shop: OpenShop, terminal: Terminal): Promise<void> {
  terminal.heading('The first orders')
  const accepted = await AcceptedList.open(new RunFolder(options.run).accepted)
  let requestId = ''
  for (const item of [...CATALOGUE.keys()].reverse()) {
    requestId = randomUUID()
    const reply = await post(`${shop.gatewayUrl}/orders`, { item, requestId })
    if (reply?.status === 201) await accepted.add(reply.body as Order)
    terminal.line(`  orders.buy(${JSON.stringify(item)}) → ${JSON.stringify(reply?.body ?? 'no answer')}`)
  }
  await accepted.close()

  terminal.heading('The journey of the last one')
  const askers = [shop.gateway, ...shop.orderProviders]
  const journeys = (await Promise.all(askers.map((process) => process.journeys(requestId)))).flat()
  for (const line of describeJourneys(journeys)) terminal.line(`  ${line}`)
}
