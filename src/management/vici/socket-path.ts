// Where the socket of a gateway is when nobody says another place: its configuration and the command line agree on it.

export const RUNTIME_DIRECTORY = '/run/isthmus';
export const SOCKET_NAME = 'isthmus.vici';
/** Beside it, the token of the status page that the gateway has made. */
export const TOKEN_NAME = 'http-token';
