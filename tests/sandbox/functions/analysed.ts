import type { Transport } from 'nodemailer';
import { createTransport, type SendMailOptions } from 'nodemailer';

export const handler = async (event: { to: string }): Promise<void> => {
  const transport: Transport = createTransport(process.env.SMTP_URL!);
  const mail = { to: event.to } satisfies SendMailOptions;
  await transport.sendMail(mail);
};
