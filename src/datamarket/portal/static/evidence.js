// A file that is dropped on the form is read into its field; it is sent when the reader says so.
const form = document.querySelector("form[data-drop]");
const field = form.querySelector("textarea");
form.addEventListener("dragover", (event) => { event.preventDefault(); form.classList.add("over"); });
form.addEventListener("dragleave", () => form.classList.remove("over"));
form.addEventListener("drop", async (event) => {
  event.preventDefault();
  form.classList.remove("over");
  const [file] = event.dataTransfer.files;
  if (file && file.size <= field.maxLength) { field.value = await file.text(); field.focus(); }
});
document.querySelector(".verdict")?.focus();
