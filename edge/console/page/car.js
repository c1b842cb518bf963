// The car as this page knows it.

export const car = {
  state: {},
  conversation: null,
  mine: () => car.state.wheel?.mine === true,
  tell: (message) => car.conversation?.say(message),
};
