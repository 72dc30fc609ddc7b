// A click on a picture opens it large, with its caption; Escape or another click closes it.
(() => {
  const dialog = document.querySelector("dialog");
  const large = dialog.querySelector("img");
  const caption = dialog.querySelector("p");
  document.addEventListener("click", (event) => {
    if (dialog.open) {
      dialog.close();
      return;
    }
    const picture = event.target.closest(".shot img");
    if (picture) {
      large.src = picture.src;
      large.alt = picture.alt;
      caption.textContent = picture.alt;
      dialog.showModal();
    }
  });
})();
