# What the VM is told at its first boot. It holds no secret: every program on the VM can read it.
locals {
  user_data = templatefile("${path.module}/cloud-init.yaml", {
    afk_image         = var.afk_image
    model             = var.model
    reboot_time       = var.reboot_time
    start_without     = var.start_without
    afk_config_base64 = base64encode(file(var.afk_config))
  })
}
