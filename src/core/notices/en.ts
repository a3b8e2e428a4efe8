import { access } from './access.ts';
import { approvals } from './approvals.ts';
import { budget } from './budget.ts';
import { notes } from './notes.ts';
import { results } from './results.ts';
import { settings } from './settings.ts';
import { stories } from './story.ts';
import type { Words } from './words.ts';

export const en: Words = {
  summaries: {
    start: 'say hello',
    help: 'list the commands',
    new: 'begin a new conversation; the old one stays stored',
    stop: 'stop the answer that is being written',
    status: 'show how the gateway is doing',
    model: 'show or choose the model of this conversation',
    why: 'tell what became of your last message',
    whoami: 'show who I think you are',
    lang: 'choose the language of my notices',
    usage: 'show what models were used for and what is left',
    settings: 'show or change how you want it: model, time zone, quiet hours',
    pair: 'connect another account of yours',
    remind: 'remind you of something at a time: /remind tomorrow at 9 call Ann',
    jobs: 'show and change your reminders and jobs',
    tasks: 'show what is at work and what was done',
    notes: 'show your notes, or those with some words',
    forget: 'forget a note',
    approve: 'approve a call that I ask about',
    deny: 'deny a call that I ask about',
  },
  hello: (name) => `Hello ${name}! Write to me and I answer; /help lists what else I understand.`,
  answeredBy: (model) => `Answers come from ${model}.`,
  answeredByDemo:
    'No model is connected yet: what answers is a demo. Set OPENAI_API_KEY or ANTHROPIC_API_KEY, or start Ollama, and restart me.',
  newConversation: 'A new conversation begins. What was said before is kept, but I no longer look at it.',
  stopped: 'Stopped.',
  whoami: ({ name, id, channel, person, role, chat, session }) =>
    `You are ${name} (id \`${id}\` on ${channel}), person \`${person}\`, role ${role}. ` +
    `This conversation is \`${chat}\`, session \`${session}\`.`,
  access: access.en,
  approvals: approvals.en,
  notes: notes.en,
  budget: budget.en,
  results: results.en,
  settings: settings.en,
  story: stories.en,
  unknownCommand: 'I do not know this command; /help lists what I understand.',
  status: ({ uptime, model, waiting, running }) =>
    `Running for ${uptime}. Model: ${model}. Messages being answered: ${running}, waiting: ${waiting}.`,
  channelTrouble: (channel, detail) => `${channel} has trouble: ${detail}`,
  allChannelsWell: (count) => (count === 1 ? 'The channel works.' : `All ${count} channels work.`),
  modelIs: (model, pinned) =>
    pinned
      ? `This conversation uses ${model}; \`/model default\` undoes that.`
      : `The default model answers: ${model}.`,
  modelChoices: (models) => `Choose with /model and one of: ${models.join(', ')}`,
  modelSet: (model) => `From now on ${model} answers in this conversation.`,
  modelReset: (model) => `The default model answers again: ${model}.`,
  modelUnknown: (model) => `There is no model ${model} here.`,
  nothingToExplain: 'There is no earlier message of this conversation to tell about.',
  languageIs: (name, choices) => `My notices are in ${name}. Others: ${choices}; choose with /lang and the code.`,
  languageSet: 'My notices are in English now. Answers are in the language you write.',
  languageUnknown: (asked, choices) => `I have no notices in ${asked}. I have: ${choices}.`,
  emptyAnswer: 'The model gave an empty answer. Ask again, or in other words.',
  couldNotAnswer: (reason) => `I could not answer: ${reason}`,
  interrupted: '*(interrupted)*',
  cut: '*(stopped)*',
  notKept: 'I could not keep my answer; the log of the gateway says why.',
  stillWorking: '*Still working on it…*',
  tooMuch:
    'That was too much at once: I answer what came before this, and leave out what comes now. Wait a little, then write again.',
  outage: 'I keep your message and answer it when a model is back.',
  outageOver: 'The model is back; I answer what was left open.',
  repeated: '(sent again after an interruption)',
};
