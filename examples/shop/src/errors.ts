import { FenbuError, type Outcome } from 'fenbu'
import { declareOutcome } from 'fenbu/rpc'

export type ShopErrorCode = 'SHOP_INVALID' | 'SHOP_UNKNOWN_ITEM' | 'SHOP_REQUEST_ID_REUSED' | 'SHOP_UNSETTLED'

/** What a caller is told, in whatever process it is: by default that nothing was done. */
export function shopError(
  code: ShopErrorCode,
  message: string,
  details: { readonly outcome?: Outcome; readonly cause?: unknown } = {},
): FenbuError<ShopErrorCode> {
  const outcome = details.outcome ?? 'not-executed'
  return declareOutcome(new FenbuError(code, outcome, message, { cause: details.cause }), outcome)
}
