import nodemailer from "nodemailer";

// Mails a summary of the day. SMTP_HOST, SMTP_PORT and MAIL_TO are set under "Environment".
export default async (event, context) => {
  const transport = nodemailer.createTransport({
    host: process.env.SMTP_HOST,
    port: Number(process.env.SMTP_PORT),
    secure: false,
    ignoreTLS: true,
  });
  const when = event.scheduledTime ?? new Date().toISOString();
  console.log(`Sending the summary of ${when} to ${process.env.MAIL_TO}`);
  const sent = await transport.sendMail({
    from: "HexaSched <hexasched@example.org>",
    to: process.env.MAIL_TO,
    subject: `Daily summary, ${when}`,
    text: `${event.payload.greeting ?? "Hello"}!\n\nThis is run ${event.id} of ${context.functionName}.\n`,
  });
  return { accepted: sent.accepted, messageId: sent.messageId };
};
