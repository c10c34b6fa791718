// Who has which row of the endpoint table.

/** What is sent for IKE, one datagram after another. */
export const IKE_ENDPOINT = 0;
/** The outbound SA in slot 0; the others follow it. */
export const FIRST_SA_ENDPOINT: number = IKE_ENDPOINT + 1;
