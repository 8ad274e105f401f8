import { FenbuError, type Outcome } from 'fenbu'

export type ShopErrorCode = 'SHOP_INVALID' | 'SHOP_UNKNOWN_ITEM' | 'SHOP_REQUEST_ID_REUSED' | 'SHOP_UNSETTLED'

/** What a caller is told, in whatever process it is: by default that nothing was done. */
export function shopError(
  code: ShopErrorCode,
  message: string,
  details: { readonly outcome?: Outcome; readonly cause?: unknown } = {},
): FenbuError<ShopErrorCode> {
  return new FenbuError(code, details.outcome ?? 'not-executed', message, { cause: details.cause })
}
