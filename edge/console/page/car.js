// The car as this page knows it.

export const car = {
  state: {},
  conversation: null,
  start: null, // the wish to start, until the next tick
  mine: () => car.state.wheel?.mine === true,
  tell: (message) => car.conversation?.say(message),
};
