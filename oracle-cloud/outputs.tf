output "public_ip" {
  description = "Address of the VM. It changes when the VM is made anew, not when it restarts."
  value       = oci_core_instance.afk.public_ip
}

output "ssh" {
  description = "Logs in to the VM."
  value       = "ssh ubuntu@${oci_core_instance.afk.public_ip}"
}

output "watch_first_boot" {
  description = "Shows the first boot until afk's timer runs."
  value       = "ssh ubuntu@${oci_core_instance.afk.public_ip} 'cloud-init status --wait; sudo journalctl --no-pager --unit install-afk; systemctl list-timers afk*'"
}

output "ubuntu_image" {
  description = "Newest image of Ubuntu at the last plan. A VM that exists keeps the one it was made from."
  value       = data.oci_core_images.ubuntu.images[0].display_name
}

output "availability_domain" {
  description = "Availability domain of the VM."
  value       = local.availability_domain
}

output "quota_statements" {
  description = "What the quota policy says; empty without one."
  value       = var.quota_scope == "none" ? [] : local.quota_statements
}
